"""Instructions in many wordings, and what a person reads in them."""

from __future__ import annotations

import pytest

from editloop.judges.intent import Change, Place, read_instruction
from editloop.records.taxonomy import EditType

# (text, edit type, first target, first result, first colour); "" = not looked at
SENTENCES: list[tuple[str, str, str, str, str]] = [
    # remove
    ("Remove the dog.", "remove", "dog", "", ""),
    ("remove dog", "remove", "dog", "", ""),
    ("Erase the parked car on the left.", "remove", "car", "", ""),
    ("Could you please get rid of the red umbrella?", "remove", "umbrella", "", ""),
    ("Take the bottle out of the picture.", "remove", "bottle", "", ""),
    ("hey, can you delete that bench near the tree for me", "remove", "bench", "", ""),
    ("Make the lamp disappear.", "remove", "lamp", "", ""),
    ("The kite should be gone.", "remove", "kite", "", ""),
    (
        "Eliminate the two chairs standing by the window, keeping everything else the same.",
        "remove",
        "chair",
        "",
        "",
    ),
    ("i don't want the backpack in the photo", "remove", "backpack", "", ""),
    (
        "Remove the small boat in the middle of the lake and fill the gap naturally.",
        "remove",
        "boat",
        "",
        "",
    ),
    ("Wipe out the sign in the background.", "remove", "sign", "", ""),
    ("No more pigeons, please.", "remove", "pigeon", "", ""),
    ("Lose the hat.", "remove", "hat", "", ""),
    ("Remove both the teapot and the pair of gloves.", "remove", "teapot", "", ""),
    # add
    ("Add a cat.", "add", "", "cat", ""),
    ("Add a yellow kite in the top left corner.", "add", "", "kite", "yellow"),
    ("Put a hat on the statue.", "add", "", "hat", ""),
    ("Place a small wooden bench under the tree on the right.", "add", "", "bench", ""),
    ("Let there be a moon above the roof.", "add", "", "moon", ""),
    ("There should be a clock on the wall.", "add", "", "clock", ""),
    ("What if there was a parrot on his shoulder?", "add", "", "parrot", ""),
    ("Let a fox walk along the fence.", "add", "", "fox", ""),
    ("Have a swan swim in the pond.", "add", "", "swan", ""),
    ("Let the man wear a scarf.", "add", "man", "scarf", ""),
    ("the girl should be holding an apple", "add", "girl", "apple", ""),
    ("Give the dog a ball.", "add", "dog", "ball", ""),
    ("The scene needs a bicycle leaning on the wall.", "add", "", "bicycle", ""),
    ("I'd like to see a hot air balloon over the hills", "add", "", "balloon", ""),
    ("Insert two ducks near the shore.", "add", "", "duck", ""),
    ("Let's add some flowers to the vase.", "add", "", "flower", ""),
    ("a tiny lighthouse on the horizon", "add", "", "lighthouse", ""),
    ("Draw a butterfly beside the rose.", "add", "", "butterfly", ""),
    ("Add a vintage lamp next to the sofa on the right side of the image.", "add", "", "lamp", ""),
    # replace
    ("Replace the dog with a cat.", "replace", "dog", "cat", ""),
    ("Swap the apple for an orange.", "replace", "apple", "orange", ""),
    ("Change the mug into a vase.", "replace", "mug", "vase", ""),
    ("Turn the horse into a zebra.", "replace", "horse", "zebra", ""),
    ("Make the van a tractor.", "replace", "van", "tractor", ""),
    ("Put a piano instead of the table.", "replace", "table", "piano", ""),
    ("Substitute the ball with a pumpkin.", "replace", "ball", "pumpkin", ""),
    ("Let the boat be replaced by a raft.", "replace", "boat", "raft", ""),
    ("Instead of the bicycle, show a scooter.", "replace", "bicycle", "scooter", ""),
    ("exchange the green bottle on the shelf for a blue jug", "replace", "bottle", "jug", "blue"),
    ("The chair should become a stool", "replace", "chair", "stool", ""),
    ("Replace the white tie with a black one.", "replace", "tie", "tie", "black"),
    (
        "Can you swap out the teddy bear in the middle with a robot?",
        "replace",
        "teddy bear",
        "robot",
        "",
    ),
    (
        "Replace the goat in the picture with a llama standing in the same pose.",
        "replace",
        "goat",
        "llama",
        "",
    ),
    # adjust
    ("Change the colour of the car to red.", "adjust", "car", "", "red"),
    ("Make the backpack blue.", "adjust", "backpack", "", "blue"),
    ("make backpack blue", "adjust", "backpack", "", "blue"),
    ("Paint the old door dark green.", "adjust", "door", "", "green"),
    ("Recolor the sofa to light grey", "adjust", "sofa", "", "grey"),
    ("Turn the umbrella bright yellow.", "adjust", "umbrella", "", "yellow"),
    ("Change the dog's collar to purple.", "adjust", "collar", "", "purple"),
    ("The mug should be orange.", "adjust", "mug", "", "orange"),
    ("let the roof be white", "adjust", "roof", "", "white"),
    ("Dye the curtains pink.", "adjust", "curtain", "", "pink"),
    ("Change the bicycle's color from black to silver.", "adjust", "bicycle", "", "silver"),
    ("Give the truck a matte black finish.", "adjust", "truck", "", "black"),
    ("Turn the cup into a wooden one.", "adjust", "cup", "", ""),
    ("Make the vase out of glass.", "adjust", "vase", "", ""),
    ("Let the table be made of marble", "adjust", "table", "", ""),
    ("Make the pumpkin bigger.", "adjust", "pumpkin", "", ""),
    ("Enlarge the clock.", "adjust", "clock", "", ""),
    ("Brighten the statue.", "adjust", "statue", "", ""),
    ("make the skirt striped", "adjust", "skirt", "", ""),
    ("I want the lamp to be green", "adjust", "lamp", "", "green"),
    ("Give the cat blue eyes", "adjust", "cat", "", "blue"),
    ("Tint the shell turquoise", "adjust", "shell", "", "turquoise"),
    # background
    ("Change the background to a beach.", "background", "", "beach", ""),
    ("Replace the backdrop with a snowy mountain range.", "background", "", "mountain range", ""),
    ("Put the dog on a beach.", "background", "dog", "beach", ""),
    ("Swap the background for a plain blue wall.", "background", "", "wall", "blue"),
    ("Make the background a city street at night.", "background", "", "city street", ""),
    ("Change the forest to a desert.", "background", "", "desert", ""),
    ("set the scenery to a green meadow", "background", "", "meadow", "green"),
    (
        "Move the statue into a jungle, keep the statue as it is.",
        "background",
        "statue",
        "jungle",
        "",
    ),
    ("Turn the background red", "background", "", "", "red"),
    ("Could she be in the desert?", "background", "", "desert", ""),
    (
        "Change the parking lot setting to a quiet harbour environment.",
        "background",
        "",
        "environment",
        "",
    ),
    # extract
    ("Extract the teapot.", "extract", "teapot", "", ""),
    ("Cut out the horse and put it on a white background.", "extract", "horse", "", ""),
    ("Isolate the blue vase on a plain white background.", "extract", "vase", "", ""),
    ("Remove the background.", "extract", "", "", ""),
    ("Show only the bicycle on pure white.", "extract", "bicycle", "", ""),
    ("cut the shoe out", "extract", "shoe", "", ""),
    ("Place the cat against a clean white background", "extract", "cat", "", ""),
    ("Separate the guitar from the background, please", "extract", "guitar", "", ""),
    ("Remove everything except the candle", "extract", "candle", "", ""),
    # style
    ("Turn the photo into a watercolour painting.", "style", "", "", ""),
    ("make it look like a pencil sketch", "style", "", "", ""),
    ("Cartoon style, please.", "style", "", "", ""),
    ("Render this image in the style of an oil painting", "style", "", "", ""),
    ("Convert the picture to pixel art.", "style", "", "", ""),
    ("Give it a comic book look", "style", "", "", ""),
    ("Redraw the whole scene as a charcoal drawing", "style", "", "", ""),
    ("Apply a mosaic style to the image.", "style", "", "", ""),
    ("I'd love this as a Japanese woodblock print", "style", "", "", ""),
    # tone
    ("Make the photo warmer.", "tone", "", "", ""),
    ("Convert the image to black and white.", "tone", "", "", ""),
    ("Give the picture a vintage look", "tone", "", "", ""),
    ("Increase the contrast.", "tone", "", "", ""),
    ("Turn the scene into winter.", "tone", "", "", ""),
    ("Make it look like sunset", "tone", "", "", ""),
    ("apply a sepia filter", "tone", "", "", ""),
    ("Make the whole image darker and moodier", "tone", "", "", ""),
    ("Boost the saturation a bit", "tone", "", "", ""),
    ("cooler tones please", "tone", "", "", ""),
    ("Make it brighter", "tone", "", "", ""),
    ("Shift the overall colours towards blue", "tone", "", "", ""),
    # relight
    ("Light the scene from the left.", "relight", "", "", ""),
    ("Add warm sunlight coming from the right side", "relight", "", "", ""),
    ("Relight the photo with a soft light from above", "relight", "", "", ""),
    ("Make it look as if a lamp shines from the bottom left", "relight", "", "", ""),
    ("Change the lighting so that it comes from the right", "relight", "", "", ""),
    # bokeh
    ("Blur the background.", "bokeh", "", "", ""),
    ("Add a shallow depth of field", "bokeh", "", "", ""),
    ("Keep the dog sharp and blur everything else.", "bokeh", "", "", ""),
    ("give it a bokeh effect", "bokeh", "", "", ""),
    ("Put the background out of focus", "bokeh", "", "", ""),
    # visual
    ("Replace the mug with the object in the reference image.", "visual", "mug", "", ""),
    ("Add the vase from the second picture onto the table", "visual", "", "vase", ""),
    ("Swap the chair for the one shown in the reference photo.", "visual", "chair", "", ""),
    # action, person, text, restore
    ("Make the horse jump.", "action", "horse", "", ""),
    ("Let the dog sit down", "action", "dog", "", ""),
    ("Raise the woman's left arm.", "action", "arm", "", ""),
    ("Let the boy smile", "action", "boy", "", ""),
    ("make the children happy", "action", "child", "", ""),
    ("Give the man a beard", "person", "", "beard", ""),
    ("Make the woman look older", "person", "", "", ""),
    ("Change the text on the sign to 'OPEN'", "text", "", "", ""),
    ('Write "hello" on the wall', "text", "", "", ""),
    ("Sharpen the image and remove the noise", "restore", "", "", ""),
    ("Colorize this old photo", "restore", "", "", ""),
    # two operations
    ("Remove the bottle and make the cup green.", "compose", "bottle", "", ""),
    ("Replace the dog with a fox, and add a ball next to it.", "compose", "dog", "fox", ""),
    ("Add a bird on the roof. Then turn the door red.", "compose", "", "bird", ""),
    ("paint the boat white then get rid of the rope", "compose", "boat", "", "white"),
    ("Change the background to a forest and remove the chair", "compose", "", "forest", ""),
    # going back
    ("Undo that.", "version_backtracking", "", "", ""),
    ("Go back to the first version.", "version_backtracking", "", "", ""),
    (
        "Never mind the last edit, return to the original picture",
        "version_backtracking",
        "",
        "",
        "",
    ),
]


@pytest.mark.parametrize(("text", "edit_type", "target", "result", "colour"), SENTENCES)
def test_reads_what_a_person_reads(text, edit_type, target, result, colour):
    intent = read_instruction(text)
    assert intent.edit_type == edit_type
    step = intent.operations[0]
    assert not target or step.targets[0].head == target
    assert not result or step.results[0].head == result
    assert not colour or step.colours[0] == colour


def test_two_targets_and_two_operations_keep_their_order():
    intent = read_instruction("Remove both the cup and the plate, and make the vase purple.")
    first, second = intent.operations
    assert [noun.head for noun in first.targets] == ["cup", "plate"]
    assert second.edit_type is EditType.ADJUST
    assert (second.target.head, second.colours) == ("vase", ("purple",))


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("Remove the car on the left.", {Place.LEFT}),
        ("Add a bird in the top right corner.", {Place.TOP, Place.RIGHT}),
        ("Delete the lamp in the background.", {Place.BACKGROUND}),
        ("Erase the right chair.", {Place.RIGHT}),
        ("Put a ball in the middle of the picture.", {Place.CENTRE}),
    ],
)
def test_places(text, places):
    step = read_instruction(text).operations[0]
    noun = step.target or step.result
    assert set(noun.places) == places


def test_landmarks_owners_and_sizes():
    added = read_instruction("Add a small lamp next to the old sofa.").operations[0].result
    assert (added.size, added.landmark) == ("small", "sofa")
    part = read_instruction("Change the bird's wings to blue.").operations[0].target
    assert (part.head, part.owner, part.whole) == ("wing", "bird", "bird")


@pytest.mark.parametrize(
    ("text", "side"),
    [
        ("Light it from the left", Place.LEFT),
        ("Add soft light coming from above", Place.TOP),
        ("Relight the photo with cool light from the right side", Place.RIGHT),
        ("Relight the scene", None),
    ],
)
def test_where_light_comes_from(text, side):
    assert read_instruction(text).operations[0].light_from is side


@pytest.mark.parametrize(
    ("text", "change"),
    [
        ("Make the ball bigger.", Change.SIZE),
        ("Darken the statue.", Change.BRIGHTNESS),
        ("Turn the cup into marble.", Change.MATERIAL),
        ("Make the shirt striped.", Change.PATTERN),
        ("Paint the fence brown.", Change.COLOUR),
    ],
)
def test_which_property_changes(text, change):
    assert read_instruction(text).operations[0].change is change


ROUND_ONE = ("Add a cup near the bottom right.",)


@pytest.mark.parametrize(
    ("text", "edit_type", "target"),
    [
        ("Now make it green.", EditType.ADJUST, "cup"),
        ("Take it away again.", EditType.REMOVE, "cup"),
        ("Swap it for a candle.", EditType.REPLACE, "cup"),
        ("Actually, I'd prefer a candle.", EditType.REPLACE, "cup"),
        ("Could it be red?", EditType.ADJUST, "cup"),
        ("Make it darker.", EditType.ADJUST, "cup"),
    ],
)
def test_pronouns_mean_what_was_named_last(text, edit_type, target):
    step = read_instruction(text, ROUND_ONE).operations[0]
    assert step.edit_type is edit_type
    assert step.target is None or step.target.head == target


def test_without_a_dialogue_it_is_the_picture():
    assert read_instruction("Make it darker.").edit_type is EditType.TONE


def test_going_back_keeps_the_edit_that_follows():
    context = (*ROUND_ONE, "Replace the cup with a candle.")
    intent = read_instruction("Undo the last change and make the cup blue instead.", context)
    back, edit = intent.operations
    assert back.back_to == -1
    assert (edit.target.head, edit.colours) == ("cup", ("blue",))
    assert intent.edit_type is EditType.ADJUST


@pytest.mark.parametrize(
    ("text", "back_to"),
    [
        ("Undo that.", -1),
        ("Return to the original picture.", 0),
        ("Go back to version 2.", 2),
        ("Back to the first version, please.", 1),
    ],
)
def test_which_version_to_go_back_to(text, back_to):
    assert read_instruction(text).operations[0].back_to == back_to


def test_a_standing_wish_colours_later_rounds():
    intent = read_instruction("Recolour the car.", ("From now on, everything should be purple.",))
    assert intent.operations[0].colours == ("purple",)
    assert not intent.new_look


def test_a_standing_look_is_a_new_look():
    wish = ("From now on, everything should look like an old sepia photograph.",)
    assert read_instruction("Remove the car.", wish).new_look


@pytest.mark.parametrize("text", ["", "   ", "???", "Hello there", "42"])
def test_what_says_nothing_reads_as_nothing(text):
    assert read_instruction(text).edit_type is None


def test_quoted_text_cannot_add_operations():
    intent = read_instruction('Write "remove the dog" on the wall')
    assert intent.edit_type is EditType.TEXT
    assert intent.operations[0].words == ("remove the dog",)
