"""Pictures with masks: in folders, or named by a table."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from archdsl import ArchError
from archdsl.training.data import describe, load
from archdsl.training.data.splits import Images, Splits
from archdsl.training.records import read_data

HERE = Path()
COUNT = 20


def picture(number: int) -> Image.Image:
    """Red where its mask is 1, and as red as its number elsewhere."""
    pixels = np.zeros((6, 8, 3), np.uint8)
    pixels[..., 0] = number
    pixels[mask_of(number) == 1] = (200, 0, 0)
    return Image.fromarray(pixels)


def mask_of(number: int) -> np.ndarray:
    found = np.zeros((6, 8), np.uint8)
    found[number % 6, 1:5] = 1
    return found


def save(images: str = "set/images", masks: str = "set/masks", to: int = 1, end: str = "") -> None:
    for folder in (images, masks):
        Path(folder).mkdir(parents=True, exist_ok=True)
    for number in range(COUNT):
        picture(number).save(f"{images}/{number}.png")
        Image.fromarray(mask_of(number) * np.uint8(to)).save(f"{masks}/{number}{end}.png")


def read(settings: str = "", what: str = 'mask_folder("set"') -> Splits:
    return load(read_data(f"{what}, size = 6x8, validation = 0.25{settings})"), HERE)


def why(settings: str = "", what: str = 'mask_folder("set"') -> str:
    with pytest.raises(ArchError) as caught:
        data = read_data(f"{what}{settings})")
        describe(data, HERE)
        load(data, HERE)
    return str(caught.value)


def check(part: Images) -> None:
    """Each mask is that of its picture."""
    assert part.labels.dtype == torch.uint8
    assert torch.equal(part.labels == 1, part.images[:, 0] == 200)


def test_folders_of_images_and_masks() -> None:
    save()
    splits = read()
    assert splits.task.name == "segmentation" and splits.classes == 2 and splits.notes == ()
    assert [len(p) for p in (splits.train, splits.validation, splits.test)] == [13, 5, 2]
    for part in (splits.train, splits.validation, splits.test):
        check(part)
    names = read(', names = ["sky", "road"]').names
    assert names == ("sky", "road")
    assert describe(read_data('mask_folder("set", size = 6x8)'), HERE) == ((3, 6, 8), 2)


def test_black_and_white_masks_and_names_with_mask() -> None:
    save(to=255, end="_mask")
    splits = read()
    check(splits.train)
    assert splits.classes == 2
    assert splits.notes == ("the masks have 0 and 255 alone: 255 is the class 1",)


@pytest.mark.parametrize("above", [True, False])
def test_parts(above: bool) -> None:
    for part in ("train", "val", "test"):
        places = ("set/{}/images", "set/{}/masks") if above else ("set/images/{}", "set/masks/{}")
        save(*(place.format(part) for place in places))
    splits = read()
    assert [len(p) for p in (splits.train, splits.validation, splits.test)] == [COUNT] * 3
    check(splits.validation)


def test_a_table_names_masks() -> None:
    save("set/a", "set/b")
    rows = "\n".join(f"a/{n}.png,b/{n}.png" for n in range(COUNT))
    Path("set/t.csv").write_text(f"image,mask\n{rows}\n", "utf-8")
    what = 'table("set/t.csv", file = "image", labels = "mask", task = segmentation'
    splits = read(what=what)
    assert splits.classes == 2
    check(splits.train)
    assert "`names` has 1" in why(', names = ["sky"]', what)
    Path("set/t.csv").write_text("image,mask\na/1.png,../b/1.png\n", "utf-8")
    assert "'../b/1.png' is not in the folder set" in why(what=what)
    assert "`names` are those of the classes of masks" in why(
        what='table("set/t.csv", file = "image", labels = "mask", names = ["a"]'
    )


def test_masks_keep_their_numbers_when_they_are_resized() -> None:
    save()
    Image.new("L", (8, 6), 7).save("set/masks/0.png")
    palette = Image.fromarray(mask_of(1) * np.uint8(4), "P")
    palette.putpalette([9, 9, 9] * 256)
    palette.save("set/masks/1.png")
    splits = load(read_data('mask_folder("set", size = 3x5)'), HERE)
    assert splits.classes == 8
    parts = (splits.train, splits.validation, splits.test)
    values = torch.cat([part.labels.flatten() for part in parts])
    assert set(values.tolist()) == {0, 1, 4, 7}
    assert "of 8 classes, 4 occur in the masks" in splits.notes


def test_shades_in_the_place_of_numbers_are_told() -> None:
    save()
    for number in range(COUNT):
        shades = np.array([0, 127, 254], np.uint8)[np.arange(48).reshape(6, 8) % 3]
        Image.fromarray(shades).save(f"set/masks/{number}.png")
    splits = read()
    said = "of 255 classes, 3 occur in the masks: 0, 127, 254; if these are shades, save"
    assert f"{said} the masks with 0 to 2 instead" in splits.notes


def test_a_mask_is_turned_as_its_orientation_says() -> None:
    save()
    exif = Image.Exif()
    exif[274] = 6  # a quarter to the right
    turned = Image.fromarray(mask_of(0)).transpose(Image.Transpose.ROTATE_90)
    before = read()
    turned.save("set/masks/0.png", exif=exif)
    after = read()
    for part in ("train", "validation", "test"):
        a, b = getattr(before, part), getattr(after, part)
        assert torch.equal(a.labels, b.labels)


def test_what_cannot_be_read_is_told_at_once_or_left_out() -> None:
    save()
    Image.new("RGB", (8, 6), (1, 2, 3)).save("set/masks/3.png")
    Image.new("L", (9, 6)).save("set/masks/4.png")
    Path("set/images/5.png").write_bytes(b"no")
    words = why()
    assert "3 files" not in words and "images/5.png: it is not an image" in words
    assert "masks/3.png: it is 6x8x3: a mask has one number for a pixel" in words
    assert "masks/4.png: the mask has 6x9 pixels, and its picture 6x8" in words
    splits = read(", skip_unreadable = true")
    parts = (splits.train, splits.validation, splits.test)
    assert sum(map(len, parts)) == COUNT - 3
    assert "3 that cannot be read are left out" in splits.notes
    for part in parts:
        check(part)


def test_what_is_no_class_is_told() -> None:
    save()
    for number in range(4):
        Path(f"set/masks/{number}.png").unlink()
    wrong = np.full((6, 8), 300, np.uint16)
    Image.fromarray(wrong).save("set/masks/0.png")
    np.save("set/masks/1.npy", -wrong.astype(np.int64))
    np.save("set/masks/2.npy", wrong / 2)
    np.save("set/masks/3.npy", wrong.astype(object))
    words = why()
    assert "masks/0.png: it has 300: classes are 0 to 254, and 255 means no class" in words
    assert "masks/1.npy: it has -300: classes are 0 to 254, and 255 means no class" in words
    assert "masks/2.npy: it has float64: a mask has whole numbers" in words
    assert "masks/3.npy: it is not an array of numbers that numpy.save wrote" in words


def test_a_picture_that_exif_turns_and_its_mask() -> None:
    save()
    exif = Image.Exif()
    exif[274] = 6
    picture(0).save("set/images/0.png", exif=exif)
    turned = "masks/0.png: the mask has 6x8 pixels, and its picture 8x6, as its EXIF orientation"
    assert turned in why()
    Image.fromarray(np.rot90(mask_of(0), -1)).save("set/masks/0.png")
    assert read().classes == 2


def test_masks_in_jpeg_are_refused() -> None:
    save()
    Path("set/masks/0.png").unlink()
    Image.new("L", (8, 6)).save("set/masks/0.jpg")
    assert "masks/0.jpg: JPEG changes the classes of pixels" in why()


def test_pictures_without_masks() -> None:
    save()
    for number in (3, 4):
        Path(f"set/masks/{number}.png").unlink()
    words = why()
    assert "2 pictures have no mask" in words and "= images/3.png\n  = images/4.png" in words
    assert "the mask of images/a/1.jpg is masks/a/1.png" in words


def test_folders_that_are_not_there() -> None:
    save()
    assert "there is no folder `photos` in it" in why(', images = "photos"')
    assert "there is no such folder" in why(', masks = "m"')
    assert "'../x' is not the name of a folder" in why(', masks = "../x"')
    assert 'mask_folder("set") takes them' in why(what='image_folder("set"')


def test_one_class() -> None:
    save(to=0)
    assert "at least two classes are needed, and the masks have 1" in why()
