"""The glossary: what each technical word means, for readers who have never trained a network.

One table. `docs/glossary.md` and ``fittingroom glossary`` show it whole; a page shows the words that it uses.
"""

from __future__ import annotations

import re
from typing import Final

from markupsafe import Markup

from fittingroom.lookup import look_up

GLOSSARY: Final[dict[str, tuple[str, str]]] = {  # word: what it means; an example from this project
    "accuracy": (
        "The share of images whose predicted class is the true class.",
        "An accuracy of 0.8657 on 10,000 test images means that 8,657 of them were classified correctly.",
    ),
    "augmentation": (
        "Changing the training images a little each time they are shown, so that the network cannot learn them by "
        "heart. The class of the image stays the same.",
        "`flip` in a recipe mirrors some of the images, `translate` moves them by a few pixels.",
    ),
    "batch": (
        "The images that a network sees in one step of training. After each batch its parameters are changed once.",
        "The walk-through takes 128 images in a batch, so an epoch of 60,000 images has 469 steps.",
    ),
    "bootstrap": (
        "A way to find an interval: the score is computed many times over, each time on images drawn at random from "
        "those that were judged, some of them more than once. How far these scores spread is how far the score could "
        "be off.",
        "The interval of the log loss comes from 1,000 such draws.",
    ),
    "calibration": (
        "Whether confidence agrees with accuracy. A model is well calibrated if its predictions of a given confidence "
        "are right in just that share of the cases.",
        "Of the predictions made with a confidence of 80 percent, 80 percent should be right. A network with an "
        "accuracy of 0.87 and a mean confidence of 0.95 is overconfident.",
    ),
    "calibration error": (
        "How far confidence and accuracy lie apart. Predictions are sorted into bins by confidence, and the gaps of "
        "the bins are averaged. Zero is perfect.",
        "A temperature took it from 0.0887 to 0.0162 in the example of docs/judging.md.",
    ),
    "confidence": (
        "The probability that a model gives to the class it predicts.",
        "`predicted Coat, 93.0 %` has a confidence of 0.93.",
    ),
    "confusion matrix": (
        "A table that counts the images by their true class (row) and their predicted class (column). What lies off "
        "the diagonal is a mistake.",
        "The cell in row Shirt and column T-shirt/top counts the shirts that were predicted to be T-shirts.",
    ),
    "coverage": (
        "The share of images that a model answers if it may leave out those that it is least confident about. Of "
        "prediction sets it is another share: of those that hold the true class.",
        "At a coverage of 80 percent, a network of accuracy 0.87 is often right in 95 of 100 cases.",
    ),
    "eager": (
        "Running a network's own code again for every batch. It works for every model, and is slower than a trace.",
        "A model whose code depends on the values it computes is trained eagerly, and a line says why.",
    ),
    "epoch": (
        "One pass through all the training images.",
        "The walk-through trains for 5 epochs: it shows each of the 60,000 training images 5 times.",
    ),
    "F1": (
        "One number for precision and recall of a class together (their harmonic mean). It is low if either is low.",
        "A precision of 0.8 and a recall of 0.6 give an F1 of 0.686.",
    ),
    "features": (
        "What a network makes of an image before its last layer turns it into classes: a row of numbers. Images with "
        "similar numbers look alike to the network.",
        "Two photos of one jacket, one darker than the other, have similar features where their pixels differ.",
    ),
    "fingerprint": (
        "Sixteen characters computed from every byte of a dataset. The same fingerprint means exactly the same data, "
        "so that scores can be compared.",
        "Fashion-MNIST as it is published today has the fingerprint 4d8e31d2057f6f93.",
    ),
    "fold": (
        "One of the parts, five for example, that training images are divided into. A network is trained on all parts "
        "but one and asked about that one, for each part, so that every image is answered by a network that has not "
        "seen it.",
        "`fittingroom audit` trains five networks, each on 48,000 images, and asks each about the other 12,000.",
    ),
    "gate": (
        "A condition on a score for scripts: where it is not met, the command ends with an error.",
        "`fittingroom evaluate runs/my-run --fail-under accuracy=0.88`",
    ),
    "importance": (
        "How much of the difference between good and bad trials of a sweep goes back to one setting. All settings "
        "together make 1.",
        "If the learning rate has 0.8 of it and the batch size 0.05, choose the learning rate with care.",
    ),
    "interval": (
        "The range in which the true value of a score probably lies, given that the number of images is limited. A "
        "95 % interval contains it in 95 % of such experiments. Fewer images make it wider.",
        "An accuracy of 0.8657 on 10,000 images has the interval 0.8589 to 0.8722.",
    ),
    "label error": (
        "A label that is not what the image shows. Networks that have not seen the image say something else, and so do "
        "the images most like it.",
        "Training image 45592 of Fashion-MNIST is labelled Shirt, and shows a dress.",
    ),
    "ladder": (
        "The recipes that come with this package, in the order of their accuracy and of the time that they take.",
        "`fittingroom recipes list` shows them, from the walk-through up to recipe 95.",
    ),
    "learning rate": (
        "How far the parameters are moved after each batch. If it is too large, training does not settle; if it is too "
        "small, training takes very long.",
        "`--set learning_rate=0.001`",
    ),
    "log loss": (
        "The mean of minus the logarithm of the probability that the model gave to the true class. Zero is perfect; a "
        "confident mistake costs most.",
        "A probability of 0.5 for the true class costs 0.69, one of 0.01 costs 4.61.",
    ),
    "loss": (
        "The number that training makes smaller: how wrong the predictions are. The loss of one image is small where "
        "its true class has a high probability.",
        "In the walk-through it falls from about 0.6 in the first epoch to about 0.3 in the last.",
    ),
    "margin": (
        "How much more probable the class that a model predicts is than the second one: near 0 where it wavers, near 1 "
        "where it is sure.",
        "A model that says Shirt 41 percent and Coat 38 percent has a margin of 0.03: that picture is worth a label.",
    ),
    "near-duplicate": (
        "Two pictures that are nearly the same: one moved by a pixel, mirrored, a little brighter, or saved anew. If "
        "one is in training and the other in the test images, the test is a little easier than it seems.",
        "25 of the 10,000 test images of Fashion-MNIST have one among the training images.",
    ),
    "network": (
        "A function with many adjustable numbers, its parameters, arranged in layers. Here it takes the pixels of an "
        "image and returns a probability for each class. It is also called a model.",
        "The network of the walk-through has two layers and 101,770 parameters.",
    ),
    "none of these": (
        "The answer for a photo that shows nothing that the model has a class for. A second, small network decides it.",
        "A photo of a coffee cup is answered with `none of these` instead of Bag.",
    ),
    "optimizer": (
        "The rule by which the parameters are changed after each batch so that the loss becomes smaller.",
        "The walk-through uses RMSprop; `--set optimizer=adam` uses Adam.",
    ),
    "occlusion": (
        "Covering a part of a picture to see what an answer hangs on: where a class becomes less probable when a patch "
        "lies there, that part spoke for it.",
        "`fittingroom explain PHOTO` covers each part of a photo in turn and colours what mattered.",
    ),
    "overfitting": (
        "A network knows its training images better than new ones of the same kind. Training loss still falls while "
        "validation loss no longer does, or rises.",
        "A training accuracy of 0.896 beside a test accuracy of 0.866 is overfitting.",
    ),
    "p-value": (
        "How probable a difference at least as large as the one observed would be if both models were equally good. A "
        "small value speaks against chance.",
        "`p = 0.0068` in `fittingroom compare`: so large a difference would be chance in 7 of 1,000 cases.",
    ),
    "parameter": (
        "One of the adjustable numbers of a network. Training finds their values. They are also called weights.",
        "A layer that connects 784 pixels with 128 units has 784 x 128 + 128 = 100,480 parameters.",
    ),
    "Pareto front": (
        "Of things that are to be good in two ways, those that no other beats in both.",
        "In a sweep: the trials for which none is both cheaper and more accurate.",
    ),
    "precision": (
        "Of all the images predicted to be of a class, the share that truly are.",
        "If 1,100 images are predicted to be Shirts and 700 of them are, the precision of Shirt is 0.636.",
    ),
    "prediction set": (
        "All the classes that an image may be, instead of the most probable one alone: so many that a stated share of "
        "the sets holds the true class. A sure answer is a set of one class.",
        "`fittingroom predict --coverage 0.95` says `Coat or Pullover` where one class would be too little.",
    ),
    "recall": (
        "Of all the images that truly are of a class, the share that was predicted to be.",
        "If 700 of the 1,000 Shirts are predicted to be Shirts, the recall of Shirt is 0.7.",
    ),
    "recipe": (
        "All the settings of a training in one file: network, epochs, learning rate, augmentation and more. The same "
        "recipe with the same seed gives the same run.",
        "`fittingroom train --recipe 92`",
    ),
    "run": (
        "One training and what came of it: a folder with the recipe, the trained network, its history, its predictions "
        "and its scores.",
        "`fittingroom train` writes `runs/20261125-154741-walkthrough-s0/`.",
    ),
    "rung": (
        "One recipe of the ladder, named by the accuracy that it is to reach, in percent.",
        "Rung 92 is to reach a test accuracy of 0.92.",
    ),
    "seed": (
        "The number from which all random choices of a training follow: the starting values of the parameters and the "
        "order of the images. The same seed gives the same result, another seed a slightly different one.",
        "Over ten seeds the accuracy of the walk-through varies by about two percentage points.",
    ),
    "sweep": (
        "Training one recipe many times, each time with other settings, to find better ones.",
        "`fittingroom sweep space.toml --trials 40` tries 40 settings of what space.toml varies.",
    ),
    "temperature": (
        "One number that corrects confidence without changing any predicted class. Above 1 it lowers confidence, below "
        "1 it raises it. It is fitted on validation images.",
        "A network with the temperature 0.66 was underconfident before.",
    ),
    "test look": (
        "One evaluation of a run on the test images. After the first look, choices may have been made with the test "
        "score in mind, so that it becomes slightly too high. Every look is therefore counted.",
        "Each look is a line in the run's `test_looks.jsonl`.",
    ),
    "test split": (
        "The images that are used only to measure the finished network. It is never trained on them, and nothing is "
        "chosen by them.",
        "The test split of Fashion-MNIST has 10,000 images.",
    ),
    "top-2 accuracy": (
        "The share of images whose true class is among the two most probable ones.",
        "A Shirt with 0.5 for Coat and 0.4 for Shirt is wrong, but counts here.",
    ),
    "trace": (
        "A record of the operations that a network carries out, made once and then run for every batch without the "
        "network's own code. It gives the same results faster.",
        "`fittingroom train` traces the model first and compares the trace with the model's own results.",
    ),
    "training split": (
        "The images that a network learns from.",
        "The training split of Fashion-MNIST has 60,000 images.",
    ),
    "trial": (
        "One training of a sweep, with settings of its own.",
        "A trial that is behind the others after as many epochs is stopped early, to save its time for others.",
    ),
    "validation split": (
        "Some of the training images, held out of training to measure the network while settings are chosen, so that "
        "the test split need not be used for that.",
        "`--validation 10000` holds out 10,000 of the 60,000 training images.",
    ),
    "verdict": (
        "All the scores of a model on one set of images: accuracy, loss, calibration and the figures of each class, "
        "with their intervals.",
        "`fittingroom evaluate` prints the verdict and keeps it in `verdict.json`.",
    ),
}

MARK = "<!-- words on this page -->"
_LINK = re.compile(r'href="#(word-[\w-]+)"')


def define(word: str) -> str:
    """Return what a word means, with an example.

    Args:
        word: of the glossary, whatever its case.

    Raises:
        UsageError: it is not in the glossary; with close words.

    Example:
        >>> define("Epoch")
        'One pass through all the training images. Example: The walk-through trains for 5 epochs: it shows each of the 60,000 training images 5 times.'
    """  # noqa: E501
    names = {each.casefold(): each for each in GLOSSARY}
    meaning, example = look_up(names.get(word.casefold(), word), GLOSSARY, "word")
    return f"{meaning} Example: {example}"


def anchor(word: str) -> str:
    """Return the name of a word's place on a page.

    Example:
        >>> anchor("learning rate")
        'word-learning-rate'
    """
    return f"word-{re.sub(r'[^a-z0-9]+', '-', word.lower())}"


def link(word: str, shown: str = "") -> Markup:
    """Return a link to where a page defines a word.

    Args:
        word: of the glossary.
        shown: how it stands in the sentence, if not so: "epochs".

    Raises:
        UsageError: it is not in the glossary.
    """
    look_up(word, GLOSSARY, "word")
    return Markup('<a class="word" href="#{}">{}</a>').format(anchor(word), shown or word)


def with_definitions(page: str) -> str:
    """Return a page with the words that it links to defined where its template has `MARK`."""
    used = set(_LINK.findall(page))
    entries = Markup("").join(
        Markup('<div id="{}"><dt>{}</dt><dd>{}</dd></div>\n').format(anchor(word), word, meaning)
        for word, (meaning, _) in GLOSSARY.items()
        if anchor(word) in used
    )
    section = Markup('<section id="words">\n<h2>Words on this page</h2>\n<dl class="words-list">\n{}</dl>\n</section>')
    return page.replace(MARK, section.format(entries) if used else "")
