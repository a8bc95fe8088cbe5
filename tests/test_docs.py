"""What the documentation tells people to type is what the program takes.

`tests/system/test_example.py` runs the README's scripts against a real window.
"""

import ast
import inspect
import re
import shlex
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import typer

import platecast as pc
from platecast.cli._app import app
from platecast.config import PipelineConfig

tifffile = pytest.importorskip("tifffile", reason="needs the extra 'io'")

ROOT = Path(__file__).parents[1]
PAGES = {
    path.name: path.read_text(encoding="utf-8")
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
}
CLI = typer.main.get_command(app)


def blocks(page, language):
    """Return the blocks of a language, without the indentation that they have in a list."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```", PAGES[page], re.DOTALL | re.MULTILINE)
    return [textwrap.dedent(text) for _, text in found]


PYTHON = {f"{page} {number}": text for page in PAGES for number, text in enumerate(blocks(page, "python"))}


@pytest.mark.parametrize("text", PYTHON.values(), ids=PYTHON)
def test_python_names_and_keywords_are_there(text):
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    ours = [
        call
        for call in calls
        if isinstance(call.func, ast.Attribute) and getattr(call.func.value, "id", "") == "pc"
    ]
    for call in ours:
        taken = inspect.signature(getattr(pc, call.func.attr)).parameters
        if not any(each.kind is inspect.Parameter.VAR_KEYWORD for each in taken.values()):
            assert {keyword.arg for keyword in call.keywords} <= taken.keys(), ast.unparse(call)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "pc":
            assert node.attr in pc.__all__


def command_lines(text):
    """Return what follows ``platecast`` in blocks of commands, and in code within lines."""
    lines = [
        line.removeprefix("$ ")
        for block in re.findall(r"^ *```console\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE)
        for line in map(str.strip, block.splitlines())
    ]
    lines += re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    return [
        shlex.split(line, comments=True)[1:] for line in lines if re.match(r"platecast( |$)(?!COMMAND)", line)
    ]


COMMANDS = sorted({(page, tuple(line)) for page, text in PAGES.items() for line in command_lines(text)})


def command_of(words):
    """Return a command and what is left of the words after its name."""
    command, words = CLI, [*words]
    while words and not words[0].startswith("-") and hasattr(command, "commands"):
        assert words[0] in command.commands, f"there is no command {words[0]!r}"
        command = command.commands[words.pop(0)]
    return command, words


@pytest.mark.parametrize(("page", "words"), COMMANDS, ids=[f"{page}: {' '.join(w)}" for page, w in COMMANDS])
def test_command_takes_the_options_that_the_page_gives_it(page, words):
    command, words = command_of(words)
    context = command.context_class(command, info_name="platecast")
    command.make_parser(context).parse_args([word for word in words if word != "…"])


ROWS = sorted(
    {
        (page, row[1], option)
        for page, text in PAGES.items()
        for row in re.finditer(r"^\| `platecast ([\w-]+)[^\n]*", text, re.MULTILINE)
        for option in re.findall(r"(?<=[` ])--[\w-]+", row[0])
    }
)


@pytest.mark.parametrize(("page", "name", "option"), ROWS)
def test_option_in_a_table_belongs_to_its_command(page, name, option):
    command = CLI.commands[name]
    taken = {each for parameter in command.params for each in (*parameter.opts, *parameter.secondary_opts)}
    assert option in taken


def test_every_command_is_described():
    text = PAGES["cli.md"]
    public = {name for name, command in CLI.commands.items() if not command.hidden}
    assert {name for name in public if not re.search(rf"`platecast {name}\b|`{name}`", text)} == set()


def test_file_of_settings_can_be_read():
    (text,) = blocks("configuration.md", "toml")
    config = PipelineConfig.from_toml(text)
    assert (config.workers, config.stream_wells) == (4, ("A01", "A02"))
    assert config.napari_streaming.model_fields_set == {"napari_port", "well_mode", "budget_mb"}


FUNCTIONS = """
import numpy as np
import platecast as pc

def project(stack):
    return stack.max(axis=0)

def segment(image):
    return (image > image.mean()).astype("int32")

def measure(labels, image):
    return regionprops_table(labels, image, properties=("label", "intensity_mean"))

"""


def test_pipeline_of_the_page_runs(tmp_path):
    pytest.importorskip("skimage", reason="the page uses scikit-image")
    pytest.importorskip("zarr", reason="the page writes OME-Zarr")
    (text,) = blocks("pipelines.md", "python")
    imports, _, code = text.partition("\n\n")
    script = tmp_path / "page.py"
    script.write_text(
        f"{imports}\n{FUNCTIONS}\nif __name__ == '__main__':\n"
        + textwrap.indent(f"{code}\nprint(report.ok, *[path.name for path in report.tables])\n", "    ")
    )
    (tmp_path / "plate").mkdir()
    random = np.random.default_rng(0)
    for z in (1, 2):
        image = random.integers(0, 999, (32, 32), "uint16")
        tifffile.imwrite(tmp_path / "plate" / f"well-A01_channel-DAPI_z-{z}.tif", image)
    done = subprocess.run(
        [sys.executable, script], cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False
    )
    assert (done.returncode, done.stdout) == (0, "True Step_04_measure.csv\n"), done.stderr
