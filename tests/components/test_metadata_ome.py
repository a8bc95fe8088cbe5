"""OME-XML: plates, images of several planes, units and the order of pages."""

import pytest

from platecast.components import Components, read_metadata, read_ome
from platecast.errors import MetadataError

OME = '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">{}</OME>'


def ome(*parts):
    return OME.format("".join(parts))


def image(number=0, c=1, z=1, t=1, order="XYCZT", inside="<TiffData/>", attributes=""):
    return (
        f'<Image ID="Image:{number}"><AcquisitionDate>2024-05-06T07:08:09</AcquisitionDate>'
        f'<Pixels DimensionOrder="{order}" SizeX="20" SizeY="10" SizeC="{c}" SizeZ="{z}" SizeT="{t}"'
        f" {attributes}>{inside}</Pixels></Image>"
    )


PLATE = (
    '<Plate ID="Plate:0" Name="P1" Rows="8" Columns="12"><Well ID="Well:0" Row="1" Column="2">'
    '<WellSample Index="1" PositionX="2" PositionXUnit="mm"><ImageRef ID="Image:1"/></WellSample>'
    '<WellSample Index="0" PositionX="0" PositionXUnit="mm"><ImageRef ID="Image:0"/></WellSample>'
    "</Well></Plate>"
)


def places(metadata):
    """Return file, page and place on C, Z, T of every record."""
    return [
        (
            record.name,
            record.page,
            record.components.channel,
            record.components.z_index,
            record.components.timepoint,
        )
        for record in metadata.records
    ]


def test_plate_of_a_companion_file():
    files = [f"<TiffData><UUID FileName='{name}.ome.tif'>urn:uuid:1</UUID></TiffData>" for name in "ab"]
    text = ome(PLATE, image(0, inside=files[0]), image(1, inside=files[1]))
    metadata = read_metadata("plate.companion.ome", text.encode())
    assert (metadata.plate, metadata.rows, metadata.columns) == ("P1", 8, 12)
    assert [(record.name, record.components, record.x_um) for record in metadata.records] == [
        ("a.ome.tif", Components(plate="P1", well="B03", site=0, channel=0), 0.0),
        ("b.ome.tif", Components(plate="P1", well="B03", site=1, channel=0), 2000.0),
    ]


PAGES = {
    "all in order": (
        image(c=2, z=2),
        [("", 0, 0, 0, None), ("", 1, 1, 0, None), ("", 2, 0, 1, None), ("", 3, 1, 1, None)],
    ),
    "slices before channels": (
        image(c=2, z=2, order="XYZCT"),
        [("", 0, 0, 0, None), ("", 1, 0, 1, None), ("", 2, 1, 0, None), ("", 3, 1, 1, None)],
    ),
    "one page each": (
        image(t=2, inside='<TiffData FirstT="1" IFD="0"/><TiffData FirstT="0" IFD="1"/>'),
        [("", 0, 0, None, 1), ("", 1, 0, None, 0)],
    ),
    "a run of pages": (
        image(z=3, inside='<TiffData FirstZ="1" IFD="4" PlaneCount="2"/>'),
        [("", 4, 0, 1, None), ("", 5, 0, 2, None)],
    ),
    "more pages than planes": (image(z=2, inside='<TiffData IFD="0" PlaneCount="9"/>'), [
        ("", 0, 0, 0, None), ("", 1, 0, 1, None),
    ]),
    "the same plane twice": (
        image(inside='<TiffData IFD="0"/><TiffData IFD="1"/>'),
        [("", 0, 0, None, None)],
    ),
    "no pages stated": (image(t=2, inside=""), [("", 0, 0, None, 0), ("", 1, 0, None, 1)]),
}  # fmt: skip


@pytest.mark.parametrize(("element", "expected"), PAGES.values(), ids=PAGES)
def test_pages(element, expected):
    assert places(read_ome(ome(element))) == expected


SIZES = {
    "micrometres": ('PhysicalSizeX="0.65"', 0.65),
    "nanometres": ('PhysicalSizeX="650" PhysicalSizeXUnit="nm"', 0.65),
    "pixels": ('PhysicalSizeX="1" PhysicalSizeXUnit="pixel"', None),
    "nonsense": ('PhysicalSizeX="0"', None),
    "none": ("", None),
}


@pytest.mark.parametrize(("attributes", "expected"), SIZES.values(), ids=SIZES)
def test_pixel_size(attributes, expected):
    assert read_ome(ome(image(attributes=attributes))).pixel_size_um == expected


def test_channels_and_planes():
    inside = (
        '<Channel ID="Channel:0:0" Name="DAPI" Color="65535" EmissionWavelength="452"/><Channel Fluor="GFP"/>'
        '<TiffData/><Plane TheC="0" TheZ="0" TheT="0" ExposureTime="20" ExposureTimeUnit="ms" PositionX="5"/>'
    )
    metadata = read_ome(ome(image(c=2, inside=inside)))
    first, second = metadata.channels
    assert (first.name, first.color, first.emission_nm, first.exposure_s) == ("DAPI", "#0000FF", 452, 0.02)
    assert (second.name, second.shape) == ("GFP", (10, 20))
    assert metadata.records[0].x_um is None, "a position without a unit of length is none"


REFUSED = {
    "refers to another file": ome('<BinaryOnly MetadataFile="p.companion.ome" UUID="urn:uuid:1"/>'),
    "empty": ome(),
    "damaged": ome(PLATE)[:-3],
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_refused(text):
    with pytest.raises(MetadataError):
        read_ome(text)
