"""The storybook world: small drawn scenes whose every edit has an exact true result.

Torch-free. `scenes` says what a picture holds, `render` draws it, `changes` edits it, `grammar` puts the edit into words,
`sampling` makes cases, `corruptors` make the flaws that real edit data has, `oracle` scores an edited picture against the
truth, and `raters` simulates people who score it.
"""
