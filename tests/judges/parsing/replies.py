"""Odd replies, each with what the published script makes of it and what the robust reading does.

`official` and `robust` are the item's score, or the outcome and reason of a reply without one.
"""

from __future__ import annotations

from typing import NamedTuple

UNPARSABLE, REFUSED, FAILED = "unparsable", "refused", "failed"


class Odd(NamedTuple):
    reply: object
    official: float | str
    robust: float | str
    slips: tuple[str, ...] = ()


def lines(first: object, second: object, third: object) -> str:
    return (
        f"Brief reasoning: the lamp stands where it was asked for.\nPrompt Compliance: {first}\n"
        f"Visual Naturalness: {second}\nPhysical & Detail Coherence: {third}"
    )


DROPPED = ("item_dropped",)
LOST = ("axes_lost",)
NO_LINE = "unparsable no_line"

IMGEDIT_ADD: dict[str, Odd] = {
    "canonical": Odd(lines(5, 4, 4), 4.33, 13 / 3),
    "windows line ends": Odd(lines(5, 4, 4).replace("\n", "\r\n"), 4.33, 13 / 3),
    "shares": Odd(lines("5/5", "4/5", "4/5"), NO_LINE, 13 / 3, DROPPED),
    "full stop": Odd(lines("5.", "4.", "4."), NO_LINE, 13 / 3, DROPPED),
    "remark behind the first": Odd(lines("5 (all attributes)", 4, 4), 4.0, 13 / 3, LOST),
    "comma and remark": Odd(lines("5, as asked", 4, 4), 4.0, 13 / 3, LOST),
    "bold labels": Odd(
        "**Prompt Compliance:** 5\n**Visual Naturalness**: 4\n*Physical & Detail Coherence:* 4",
        4.0,
        13 / 3,
        LOST,
    ),
    "bold scores": Odd(lines("**5**", "**4**", "**4**"), NO_LINE, 13 / 3, DROPPED),
    "headings": Odd(
        "### Prompt Compliance: 5\n### Visual Naturalness: 4\n### Physical & Detail Coherence: 4", 4.33, 13 / 3
    ),
    "full-width": Odd(lines("５", "４", "４").replace(": ", "："), NO_LINE, 13 / 3, DROPPED),
    "full-width digits alone": Odd(lines("５", "４", "４"), 4.33, 13 / 3),
    "arabic digits": Odd(lines("٥", "٤", "٤"), 4.33, 13 / 3),
    "footnote digit": Odd(lines("5²", 4, 4), "failed script_crash", 13 / 3, ("odd_digits_crash",)),
    "words": Odd(lines("five", "four", "four"), NO_LINE, 13 / 3, DROPPED),
    "words and figures": Odd(lines("four/5", "4 points", "4pts"), NO_LINE, 4.0, DROPPED),
    "halves in words": Odd(lines("four and a half", "four", "3½"), NO_LINE, 4.0, DROPPED),
    "decimals": Odd(lines(4.5, 4.0, "3.5"), NO_LINE, 4.0, DROPPED),
    "german decimals of five": Odd(lines("4,5 von 5", "4 von 5", "4 von 5"), NO_LINE, 12.5 / 3, DROPPED),
    "decimal comma": Odd(lines("4,5", 4, 4), 4.0, "unparsable decimal_comma", LOST),
    "range": Odd(lines("4-5", 4, 4), 4.0, "unparsable range", LOST),
    "alternatives": Odd(lines("4 or 5", 4, 4), 4.0, "unparsable range", LOST),
    "corrected by an arrow": Odd(lines("5 -> 3", 3, 3), 3.0, "unparsable range", LOST),
    "plus": Odd(lines("4+", 4, 4), 4.0, "unparsable qualified", LOST),
    "scale in the label": Odd(
        lines(5, 4, 4).replace("Compliance:", "Compliance (1-5):").replace("Coherence:", "Coherence [1-5]:"), 4.33, 13 / 3
    ),
    "percent": Odd(lines("80%", "80%", "80%"), NO_LINE, "unparsable other_scale", DROPPED),
    "of ten": Odd(lines("8/10", "8/10", "8/10"), NO_LINE, "unparsable other_scale", DROPPED),
    "all of ten": Odd(lines("10/10", "100%", "5"), 5.0, 5.0, LOST),
    "out of scale": Odd(lines(7, 4, 4), 5.0, "unparsable out_of_scale", ("out_of_scale_counted",)),
    "zero": Odd(lines(0, 0, 0), 0.0, "unparsable out_of_scale", ("out_of_scale_counted",)),
    "negative": Odd(lines(-1, 4, 4), 4.0, "unparsable out_of_scale", LOST),
    "cap broken": Odd(lines(1, 4, 4), 3.0, 3.0, ("cap_not_enforced",)),
    "not applicable": Odd(lines("N/A", 4, 4), 4.0, "unparsable missing_axes", LOST),
    "cut off": Odd("Brief reasoning: good.\nPrompt Compliance: 5\nVisual Natur", 5.0, "unparsable missing_axes", LOST),
    "counts objects": Odd(lines(5, 4, 4) + "\nNumber of lamps: 2", 3.75, 13 / 3, ("extra_lines_counted",)),
    "counts in place of a score": Odd(lines("2 lamps stand there", 4, 4), 4.0, "unparsable not_a_score", LOST),
    "total line": Odd(lines(5, 4, 4) + "\nTotal: 13", 6.5, 13 / 3, ("extra_lines_counted", "out_of_scale_counted")),
    "two opinions": Odd(lines(5, 4, 4) + "\n\nOn second thought:\nPrompt Compliance: 3", 4.0, "unparsable contradiction", ("extra_lines_counted",)),
    "marked as final": Odd(
        lines(5, 4, 4) + "\n\nFinal scores:\n" + lines(3, 3, 2), 3.5, 8 / 3, ("extra_lines_counted",)
    ),
    "said twice alike": Odd(lines(5, 4, 4) + "\n\n" + lines(5, 4, 4), 4.33, 13 / 3, ("extra_lines_counted",)),
    "thoughts before": Odd("<think>Prompt Compliance: 2</think>\n" + lines(5, 4, 4), 4.33, 13 / 3),
    "only thoughts": Odd("<think>Prompt Compliance: 5\nVisual Naturalness: 5\n", 5.0, "unparsable empty", LOST),
    "json": Odd(
        '{"Prompt Compliance": 5, "Visual Naturalness": 4, "Physical & Detail Coherence": 4}', NO_LINE, 13 / 3, DROPPED
    ),
    "fenced json, snake case": Odd(
        'Sure:\n```json\n{"prompt_compliance": "5/5", "visual_naturalness": {"score": 4, "why": "seams"},\n'
        ' "physical_detail_coherence": [4]}\n```',
        NO_LINE,
        13 / 3,
        DROPPED,
    ),
    "python dictionary": Odd(
        "{'Prompt Compliance': 5, 'Visual Naturalness': 4, 'Physical & Detail Coherence': 4}", NO_LINE, 13 / 3, DROPPED
    ),
    "json with two values": Odd(
        '{"Prompt Compliance": 5, "Prompt Compliance": 1, "Visual Naturalness": 4, "Physical & Detail Coherence": 4}',
        NO_LINE,
        "unparsable contradiction",
        DROPPED,
    ),
    "json without a number": Odd(
        '{"Prompt Compliance": true, "Visual Naturalness": 4, "Physical & Detail Coherence": 4}',
        NO_LINE,
        "unparsable not_a_score",
        DROPPED,
    ),
    "table": Odd(
        "| Axis | Score |\n|---|---|\n| Prompt Compliance | 5 |\n| Visual Naturalness | 4 |\n| Physical & Detail Coherence | 4 |",
        NO_LINE,
        13 / 3,
        DROPPED,
    ),
    "no separators": Odd(
        "Prompt Compliance 5\nVisual Naturalness 4/5\nPhysical & Detail Coherence\n4", NO_LINE, 13 / 3, DROPPED
    ),
    "template echoed": Odd(lines("A number from 1 to 5.", "A number", "x"), NO_LINE, "unparsable no_score", DROPPED),
    "scale in place of a score": Odd(lines("1-5", 4, 4), 4.0, "unparsable range", LOST),
    "list": Odd("[5, 4, 4]", NO_LINE, 13 / 3, DROPPED),
    "numbers alone": Odd("5\n4\n4", NO_LINE, 13 / 3, DROPPED),
    "one number for three": Odd("4", NO_LINE, "unparsable no_score", DROPPED),
    "chinese labels": Odd("指令遵从: 4\n视觉自然度: 3\n物理一致性: 3", 3.33, 10 / 3),
    "chinese labels, units": Odd("指令遵从：4分\n视觉自然度：三分\n物理一致性：3分", NO_LINE, 10 / 3, DROPPED),
    "french": Odd(
        "Respect de la consigne : 4/5\nNaturel : trois\nCohérence physique : 3", 3.0, 10 / 3, LOST
    ),
    "stars": Odd(lines("★★★★★", "★★★★☆", "★★★★☆"), NO_LINE, 13 / 3, DROPPED),
    "stars of another scale": Odd(lines("★★★☆", "★★★☆", "★★★☆"), NO_LINE, "unparsable other_scale", DROPPED),
    "refusal": Odd("I'm sorry, but I can't assist with that request.", NO_LINE, "refused refusal", DROPPED),
    "refusal in chinese": Odd("抱歉，我无法评估这张图片。", NO_LINE, "refused refusal", DROPPED),
    "sorry, and a score": Odd("I'm sorry, the edit failed.\n" + lines(1, 1, 1), 1.0, 1.0),
    "empty": Odd("", NO_LINE, "unparsable empty", DROPPED),
    "blank": Odd(" \n\t", NO_LINE, "unparsable empty", DROPPED),
    "stored error": Odd("Error code: 429 - rate limit reached", NO_LINE, "failed endpoint_error", DROPPED),
    "error object": Odd({"error": {"code": 500}}, "failed script_crash", "failed no_reply", ("reply_not_text",)),
    "prose": Odd("A convincing edit overall, well lit.", NO_LINE, "unparsable no_score", DROPPED),
}  # fmt: skip

UGE: dict[str, Odd] = {
    "the script's own example": Odd("The sky was left as it was. Score: 2.", NO_LINE, 2.0, DROPPED),
    "remark": Odd("Score: 3 (Acceptable)", NO_LINE, 3.0, DROPPED),
    "canonical": Odd("Brief reasoning: clean.\nScore: 4", 4.0, 4.0),
    "chinese": Odd("评分：4分", NO_LINE, 4.0, DROPPED),
    "german": Odd("Bewertung: 4 von 5", NO_LINE, 4.0, DROPPED),
    "in a sentence": Odd("I would rate this edit 4 out of 5.", NO_LINE, 4.0, DROPPED),
    "four of five things": Odd("4 out of 5 chairs are gone.", NO_LINE, "unparsable not_a_score", DROPPED),
    "an anchor is no score": Odd("A score of 5 needs a clean sky. Score: 3", 3.0, "unparsable contradiction"),
    "final": Odd("Score: 3\nThe edge is clean after all.\nFinal score: 4", 3.5, 4.0, ("extra_lines_counted",)),
    "very, in chinese": Odd("评分：十分自然", NO_LINE, "unparsable no_score", DROPPED),
    "answer element": Odd("<answer>Score: 2</answer>", NO_LINE, 2.0, DROPPED),
    "told without a colon": Odd("It floats.\n\nFinal score 2", NO_LINE, 2.0, DROPPED),
    "a step is no score": Odd("Step 1: look. Step 2: compare.", NO_LINE, "unparsable no_score", DROPPED),
    "a year is no score": Odd("A rating of 2024 would be odd.", NO_LINE, "unparsable not_a_score", DROPPED),
    "score in json": Odd('{"result": {"score": "3/5", "reasoning": "seams"}}', NO_LINE, 3.0, DROPPED),
    "begs from the picture": Odd('The sign in the image says "Score: 5". Score: 1', NO_LINE, 1.0, DROPPED),
    "only the picture votes": Odd('A banner with the text "Score: 5" was added.', NO_LINE, "unparsable no_score", DROPPED),
    "unsure": Odd("Score: 3, maybe 4", NO_LINE, "unparsable qualified", DROPPED),
    "in doubt": Odd("Score: 4?", NO_LINE, "unparsable qualified", DROPPED),
    "stars in words": Odd("I give this 4/5 stars.", NO_LINE, 4.0, DROPPED),
    "boxed": Odd("So the final answer is $\\boxed{4}$", NO_LINE, 4.0, DROPPED),
}  # fmt: skip

VIE_SC: dict[str, Odd] = {
    "canonical": Odd('{"score": [8, 7], "reasoning": "halo at the edge"}', 7.0, 7.0),
    "delimiters": Odd('||V^=^V||{"score": [8, 7], "reasoning": "x"}||V^=^V||', 7.0, 7.0),
    "fenced": Odd('```json\n{"score": [8, 7],\n"reasoning": "x"}\n```', 7.0, 7.0),
    "list alone": Odd("[6, 0]", 0.0, 0.0),
    "one number": Odd("8", 8.0, "unparsable no_score", ("wrong_count_counted",)),
    "one score": Odd('{"score": 8}', 8.0, "unparsable no_score", ("wrong_count_counted",)),
    "four scores": Odd('{"score": [8, 7, 2, 9]}', 2.0, "unparsable wrong_count", ("wrong_count_counted",)),
    "far out of scale": Odd('{"score": [8, 810]}', 8.0, "unparsable out_of_scale", ("out_of_scale_counted",)),
    "bare keys": Odd("{score: 5}", 5.0, "unparsable no_score", ("json_repaired", "wrong_count_counted")),
    "broken beyond repair": Odd('{"score": [8, 7], "reasoning": "a "quote" inside"}', "unparsable no_json", 7.0, ("asked_again",)),
    "scores as texts": Odd('{"score": ["8", "7"]}', "failed script_crash", 7.0, ("scores_not_numbers",)),
    "no score key": Odd('{"editing_success": 8, "over_editing": 7}', "failed script_crash", 7.0, ("json_repaired", "scores_not_numbers")),
    "not a number": Odd('{"score": NaN}', "failed not_finite", "unparsable no_score", ("not_finite",)),
    "infinite but not the lower": Odd('{"score": [Infinity, 4]}', 4.0, "unparsable not_a_number", ("out_of_scale_counted",)),
    "leading zero": Odd("[05, 3]", "failed script_crash", 3.0, ("odd_digits_crash",)),
    "rate limit": Odd("rate_limit_exceeded", "failed endpoint_error", "failed endpoint_error"),
    "refusal": Odd("I can't help with identifying people.", "unparsable no_json", "refused refusal", ("asked_again",)),
}  # fmt: skip

REAL_EDIT: dict[str, Odd] = {
    "canonical": Odd("{'following': 'yes', 'score': 4.5}", 4.5, 4.5),
    "whole number": Odd("{'following': 'yes', 'score': 4}", "unparsable no_score", 4.0, ("flag_without_score",)),
    "double quotes": Odd('{"following": "no", "score": 1.5}', "unparsable no_score", 1.5, ("flag_without_score",)),
    "yesterday": Odd("Ask me yesterday.", "unparsable no_score", "unparsable no_score", ("yes_anywhere", "flag_without_score")),
    "out of scale": Odd("{'following': 'yes', 'score': 9.5}", 9.5, "unparsable out_of_scale", ("out_of_scale_counted",)),
    "cut off": Odd("{'following': 'yes', 'score': 4.", "unparsable no_score", "unparsable truncated", ("flag_without_score",)),
}  # fmt: skip
