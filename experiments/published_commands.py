"""The commands whose rows are published, as the pages of results give them: `experiments.paper --size paper`.

Searches are not among them. `experiments.paper` has those on digits; those against networks for ImageNet
take days. The other data that detectors are shown (`--others`) are left out, too.
"""

from collections.abc import Mapping
from typing import NamedTuple

DIGITS = "lenet-0,lenet-1,lenet-2,lenet-3,lenet-4,mlp-0,alexnet-small-strong-0"
RESNETS = "resnet20,resnet32,resnet44,resnet56"
TEN = "--classes 40,42,46,153,207,236,281,283,761,779"
THREE = "--networks efficientnet-lite0,squeezenet,tiny-darknet"
JUDGES = (
    "--judges efficientnet-lite0,squeezenet,tiny-darknet,mobilenet-v1-0.25,mobilenet-v2,mobilenet-v3-small"
)
ARCHIVE = "--archive docs/results/imagenet_cppn_fine"
AS_DATA = ("cifar10", "fashion", "photographs")
"""What `experiments.paper` is given by these names, a command takes as `--data`."""


class Command(NamedTuple):
    """A command of an experiment.

    Attributes:
      folder: of its rows, in `docs/results`; several commands may add to one. It begins with the name of the
        experiment.
      settings: its flags, without those of data and weights.
      given: what it must be given. The digits, `data`, are the exception: without them, an experiment takes
        those that come with fooljax.
    """

    folder: str
    settings: str = "--size paper"
    given: tuple[str, ...] = ("data",)

    def flags(self, given: Mapping[str, str]) -> tuple[str, ...] | None:
        """Its flags, with those of data and weights; None where it lacks what it must be given.

        Args:
          given: what there is, by name: the text that a flag takes.
        """
        if not set(self.given) - {"data"} <= set(given):
            return None
        words = self.settings.split()
        for name in self.given:
            if name in given:
                words += ["--data" if name in AS_DATA else f"--{name}", given[name]]
        return tuple(words)


CIFAR10 = ("cifar10", "weights")
PHOTOGRAPHS = ("imagefolder", "weights")
COMMANDS = (
    Command("clean_accuracy", ""),
    Command("clean_accuracy", "--data-set cifar10", CIFAR10),
    Command("clean_accuracy", "--data-set imagenet", PHOTOGRAPHS),
    Command("recognisable"),
    Command(
        "recognisable_cifar10",
        f"--passes 2000 --networks {RESNETS} --judges knn "
        "--generators cppn,gradient,random_cppn,uniform_noise,clean",
        CIFAR10,
    ),
    Command(
        "recognisable_imagenet",
        f"{THREE} {JUDGES} --classes subset100 --runs 5 --passes 10000 --likelihood none --generators cppn",
        PHOTOGRAPHS,
    ),
    Command(
        "recognisable_imagenet",
        f"{THREE} {JUDGES} --classes subset100 --runs 3 --passes 10000 --likelihood none "
        "--generators random_cppn,uniform_noise,clean",
        PHOTOGRAPHS,
    ),
    Command("transfer", f"--size paper --networks {DIGITS} --targets {DIGITS},knn"),
    Command(
        "transfer_cifar10",
        f"--data-set cifar10 --networks {RESNETS} --targets {RESNETS},knn --fewer-passes none --passes 2000 "
        "--gradient-passes 100,200,400 "
        "--generators cppn,direct,gradient,random_cppn,uniform_noise,clean",
        CIFAR10,
    ),
    Command(
        "transfer_imagenet",
        f"--data-set imagenet {THREE} --classes subset100 "
        "--fewer-passes none --passes 10000 --gradient-passes none "
        "--generators cppn,random_cppn,uniform_noise,clean",
        PHOTOGRAPHS,
    ),
    Command(
        "transfer_imagenet",
        "--data-set imagenet --networks efficientnet-lite1,efficientnet-lite2 --classes subset100 "
        "--fewer-passes none --passes 10000 --gradient-passes none --runs 3 "
        "--generators cppn,random_cppn,uniform_noise",
        PHOTOGRAPHS,
    ),
    Command(
        "transfer_imagenet",
        f"--data-set imagenet {THREE} --classes subset100 "
        "--fewer-passes none --passes 4000 --gradient-passes 1200 --runs 3 --generators gradient",
        PHOTOGRAPHS,
    ),
    Command(
        "transfer_imagenet",
        f"--data-set imagenet {THREE} --classes subset100 "
        f"--fewer-passes none --passes 10000 --gradient-passes none --generators archive {ARCHIVE}",
        PHOTOGRAPHS,
    ),
    Command(
        "transfer_imagenet",
        f"--data-set imagenet {THREE} --classes subset100 "
        "--fewer-passes none --passes 10000 --gradient-passes none --runs 1 "
        "--generators random_search_cppn,direct",
        PHOTOGRAPHS,
    ),
    Command("several_networks", "--size paper --passes 5000"),
    Command(
        "several_networks_cifar10",
        "--data-set cifar10 --networks resnet20,resnet32,resnet44 --runs 2 --passes 2000 "
        "--generators cppn,random_search_cppn",
        CIFAR10,
    ),
    Command(
        "several_networks_imagenet",
        f"--data-set imagenet --generators cppn --runs 1 --passes 1000 {TEN}",
        PHOTOGRAPHS,
    ),
    Command("repetition"),
    Command(
        "repetition_cifar10",
        f"--passes 2000 --networks {RESNETS} --generators cppn,gradient,clean",
        CIFAR10,
    ),
    Command(
        "repetition_imagenet",
        f"--networks efficientnet-lite0 --draws 4 --generators archive {ARCHIVE} --classes subset100",
        ("imagefolder",),
    ),
    Command(
        "repetition_three_networks",
        f"--draws 4 {THREE} --classes subset100 --passes 10000 --runs 5 --generators cppn",
        PHOTOGRAPHS,
    ),
    Command(
        "repetition_three_networks",
        f"--draws 4 {THREE} --classes subset100 --passes 10000 --runs 3 "
        "--generators random_cppn,uniform_noise",
        PHOTOGRAPHS,
    ),
    Command(
        "repetition_three_networks",
        f"--draws 4 {THREE} --classes subset100 --passes 10000 --runs 1 --generators random_search_cppn",
        PHOTOGRAPHS,
    ),
    Command("run_diversity"),
    Command(
        "run_diversity_cifar10",
        f"--passes 2000 --networks {RESNETS} --generators cppn,gradient,random_cppn,uniform_noise",
        CIFAR10,
    ),
    Command(
        "run_diversity_imagenet",
        f"--passes 2500 {THREE} {TEN} --generators cppn,random_cppn,uniform_noise",
        PHOTOGRAPHS,
    ),
    Command(
        "run_diversity_subset100",
        "--passes 10000 --networks tiny-darknet,efficientnet-lite0,squeezenet --classes subset100 "
        "--generators cppn,random_cppn,uniform_noise",
        PHOTOGRAPHS,
    ),
    Command(
        "run_diversity_remote",
        "--passes 6000 --networks squeezenet --judge tiny-darknet --classes 46,761 "
        "--generators cppn,random_cppn,uniform_noise",
        PHOTOGRAPHS,
    ),
    Command("class_difficulty"),
    Command(
        "class_difficulty",
        "--size paper --anew tiny-darknet,efficientnet-lite0,squeezenet",
        ("data", *PHOTOGRAPHS),
    ),
    Command("feature_size"),
    Command(
        "feature_size_cifar10",
        f"--runs 2 --networks {RESNETS} --passes 2000 --draws 4 --windows 8 --steps 2 "
        "--generators cppn,gradient,clean,uniform_noise",
        CIFAR10,
    ),
    Command(
        "feature_size_imagenet",
        f"--networks efficientnet-lite0 --classes 0-999:40 {ARCHIVE} --runs 1 --draws 4 --windows 8 "
        "--steps 2 --generators archive,clean,uniform_noise",
        ("imagefolder",),
    ),
    Command(
        "feature_size_three_networks",
        "--networks tiny-darknet,squeezenet --classes 0-999:40 --runs 1 --passes 2000 --draws 4 "
        "--windows 8 --steps 2 --generators clean,gradient",
        PHOTOGRAPHS,
    ),
    Command(
        "feature_size_three_networks",
        f"{THREE} --classes subset100 --runs 5 --passes 10000 --draws 4 --windows 8 --steps 2 "
        "--generators cppn",
        PHOTOGRAPHS,
    ),
    Command(
        "feature_size_three_networks",
        f"{THREE} --classes subset100 --runs 3 --passes 10000 --draws 4 --windows 8 --steps 2 "
        "--generators random_cppn,uniform_noise",
        PHOTOGRAPHS,
    ),
    Command(
        "feature_size_three_networks",
        f"{THREE} --classes subset100 --runs 1 --passes 10000 --draws 4 --windows 8 --steps 2 "
        "--generators random_search_cppn",
        PHOTOGRAPHS,
    ),
    Command("intrinsic_dimension"),
    Command(
        "intrinsic_dimension_cifar10",
        f"--passes 2000 --networks {RESNETS} --generators cppn,gradient",
        CIFAR10,
    ),
    Command(
        "intrinsic_dimension_photographs",
        "--generators none --many 1000",
        ("photographs",),
    ),
    Command("random_pictures"),
    Command("random_pictures_cifar10", f"--count 200 --networks {RESNETS}", CIFAR10),
    Command("retraining", "--size published --seeds 5 --attacked 1,2,15"),
    Command(
        "retraining_paper_sizes",
        "--size paper --generator cppn --seeds 5 --passes 1000 --steps 1000 --attacked 1,15 "
        "--end-generators random_search_cppn,random_cppn",
    ),
    Command(
        "retraining_long_search",
        "--size paper --generator cppn --seeds 5 --passes 1000 --steps 1000 --attacked 15 --generators cppn "
        "--end-generators none --rejects none --attack-passes 200000",
    ),
    Command(
        "retraining_million_passes",
        "--size paper --generator cppn --seeds 1 --passes 1000 --steps 1000 --attacked 15 --generators cppn "
        "--end-generators none --rejects none --attack-passes 1000000",
    ),
    Command(
        "retraining_large",
        "--size imagenet --networks efficientnet-lite0 --runs 3 --chains 3 --others 3 --rates 1 "
        "--passes 2500 --generators cppn,gradient,goes_on --shown gradient",
        ("imagefolder",),
    ),
    Command(
        "retraining_large",
        "--size imagenet --networks tiny-darknet --runs 3 --chains 3 --others 3 --rates 1 "
        "--passes 8000 --generators cppn,gradient --shown gradient",
        PHOTOGRAPHS,
    ),
    Command(
        "retraining_large_block",
        "--size imagenet --networks efficientnet-lite0 --part block --runs 3 --chains 3 --others 3 --rates 1 "
        "--passes 2500 --generators cppn,gradient,goes_on --shown gradient",
        ("imagefolder",),
    ),
    Command(
        "retraining_large_block",
        "--size imagenet --networks tiny-darknet --part block --runs 3 --chains 1 --others 1 --rates 1 "
        "--passes 2500 --generators cppn,gradient --shown gradient",
        PHOTOGRAPHS,
    ),
    Command(
        "retraining_large_cifar10",
        "--size cifar10 --rounds 3 --chains 5 --passes 5000 --steps 100 "
        "--generators cppn,direct,gradient --others 5 --shown direct,gradient,uniform_noise",
        CIFAR10,
    ),
    Command(
        "picbreeder",
        "--size imagenet --networks efficientnet-lite0 --runs 3 --chains 3",
        ("genomes", "imagefolder"),
    ),
    Command(
        "picbreeder",
        "--size imagenet --networks tiny-darknet --runs 5 --chains 2",
        ("genomes", *PHOTOGRAPHS),
    ),
    Command("overconfidence"),
    Command("detectors", "--size paper --generators cppn,gradient,direct --controls none --more 1"),
    Command("detectors_cifar10", "--size cifar10 --runs 5 --judges knn,resnet56", CIFAR10),
    Command(
        "detectors_cifar10",
        "--size cifar10 --runs 5 --judges knn,resnet56 --generators direct --known "
        "mahalanobis,relative_mahalanobis,knn,vim,openmax,msp,max_logit,energy,entropy",
        CIFAR10,
    ),
    Command(
        "detectors_imagenet",
        "--size cifar10 --networks tiny-darknet --generators gradient "
        f"--detectors msp,max_logit,energy,entropy,odin,knn,vim --gradient-passes 400 {TEN} "
        "--judges squeezenet",
        PHOTOGRAPHS,
    ),
    Command(
        "detectors_lite0",
        "--size cifar10 --networks efficientnet-lite0 --generators gradient "
        f"--detectors msp,max_logit,energy,entropy,knn --gradient-passes 400 {TEN} --judges squeezenet",
        PHOTOGRAPHS,
    ),
    Command(
        "detectors_lite0",
        "--size cifar10 --networks efficientnet-lite0 --runs 1 --generators none "
        f"--detectors msp,max_logit,energy,entropy,knn {ARCHIVE}",
        PHOTOGRAPHS,
    ),
    Command("training_data"),
    Command(
        "training_data_cifar10",
        f"--networks {RESNETS} --passes 2000 --runs 5 "
        "--generators direct,cppn,gradient,random_search_cppn,uniform_noise",
        CIFAR10,
    ),
    Command(
        "generative",
        "--size paper --networks lenet-0,lenet-1,lenet-3,lenet-4,mlp-0,mlp-1,mlp-3,mlp-4 "
        "--generators direct,gradient,cppn,random_search_cppn",
    ),
    Command(
        "generative",
        "--size paper --networks mixture-0,mixture-1,mixture-2,mixture-3,mixture-4 "
        "--generators direct,gradient,cppn,random_search_cppn",
    ),
    Command(
        "generative", "--size paper --networks vae-0 --generators direct,gradient,cppn,random_search_cppn"
    ),
    Command("generative", "--size paper --networks vae-1 --generators direct,gradient"),
    Command("generative", "--size paper --networks vae-2,vae-3,vae-4 --generators gradient"),
    Command(
        "generative_fashion",
        "--size paper --networks mlp-paper-0,mlp-paper-1,mixture-0,mixture-1 --judges knn",
        ("fashion",),
    ),
    Command("hidden", "--size paper --kinds l2,l2_9999,linf"),
    Command(
        "hidden",
        "--size cifar10 --networks resnet20,resnet32,resnet44 --rounds 12 --steps 20 --kinds l2_9999,linf",
        CIFAR10,
    ),
    Command("hidden", "--size imagenet --rounds 12 --steps 20 --kinds l2_9999,linf", PHOTOGRAPHS),
    Command("artists", "", ()),
)
