"""The demonstration: one local page that asks a packed run about pictures.

    local_server     serves the page to the browsers of this machine
    web_app          the page's addresses, and their errors in a sentence each
    shown_models     the models to choose from, each loaded when it is asked
    uploads          a picture file or a drawing, in the size of a model
    drawings         puts a drawing where the pictures of the training have their ink
    answers          classes, confidence, and whether the model knows such a picture
    galleries        the nearest pictures, among those that there are
    fresh_chains     chains from noise to pictures, with the steps between
    inline_pictures  images as PNGs in a JSON answer

`page/` has the page itself: HTML, a style sheet and a script, which load nothing from
elsewhere. This folder imports the model, `datasets`, `runs`, `evaluation`,
`generation` and `serving`, and Flask, which only it needs.
"""
