"""What is no image: points, shapes, tracks, vectors and tables. Pure values, checked when they are made."""

from platecast.records._columns import Columns, columns_of
from platecast.records._geometry import points_of, tracks_of, vectors_of
from platecast.records._make import kind_of, label_table, make_records
from platecast.records._paint import check_paintable, paint_polygons
from platecast.records._polygons import SHAPE_TYPES
from platecast.records._records import LABEL_NAMES, Records, check_records, row_labels

__all__ = [
    "LABEL_NAMES",
    "SHAPE_TYPES",
    "Columns",
    "Records",
    "check_paintable",
    "check_records",
    "columns_of",
    "kind_of",
    "label_table",
    "make_records",
    "paint_polygons",
    "points_of",
    "row_labels",
    "tracks_of",
    "vectors_of",
]
