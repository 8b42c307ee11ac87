"""Open what ``base:`` names: a folder, a hub model, or a fresh one with a tokenizer of the recipe's own text.

Only JSON and safetensors are read. A folder that holds pickled weights or asks for code of its own is refused, with the
way out named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, assert_never

from triga.core.artifact import MANIFEST, Artifact, load_json
from triga.core.errors import ModelError
from triga.models.recipe import Architecture, Base, FolderBase, HubBase, ScratchBase, ShippedBase, Size, shipped_folder
from triga.models.size import HEAD_WIDTH, SIZES
from triga.text.tokenizers.tokenizer import TOKENIZER_FILE, Tokenizer
from triga.text.tokenizers.training import train_writing_tokenizer
from triga.text.tokenizers.wordpiece import train_wordpiece

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

__all__ = ["OpenedBase", "check_folder", "open_base", "open_tokenizer", "scratch_config"]

CONFIG_FILE = "config.json"
WEIGHT_FILES = ("model.safetensors", "model.safetensors.index.json")
PICKLED_FILES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
MAX_POSITIONS = 1024
DEFAULT_POSITIONS = 512
OFFSET_POSITIONS = ("roberta", "xlm-roberta", "xlm-roberta-xl", "roberta-prelayernorm", "camembert", "mpnet")


@dataclass(frozen=True)
class OpenedBase:
    """What a task builds its network from. ``folder`` holds the weights; None means random ones."""

    config: PreTrainedConfig
    tokenizer: Tokenizer
    folder: Path | None
    known: Tokenizer | None = None
    """The tokenizer that the weights were trained with, where ``tokenizer`` has further tokens."""

    @property
    def max_positions(self) -> int:
        """Longest row in tokens. RoBERTa's family counts its positions from the padding's id + 1."""
        positions = int(getattr(self.config, "max_position_embeddings", None) or DEFAULT_POSITIONS)
        return positions - (self.config.pad_token_id + 1 if self.config.model_type in OFFSET_POSITIONS else 0)


def open_base(
    base: Base, texts: Callable[[], Iterable[str]], *, online: bool = False, fresh: Architecture = "modernbert"
) -> OpenedBase:
    """Open a base. ``texts`` gives the training text, read only where a tokenizer has to be trained; ``fresh`` is what
    a Transformer from scratch is.
    """
    match base:
        case ScratchBase():
            architecture = fresh if base.architecture == "transformer" else base.architecture
            train = train_wordpiece if architecture != "t5" else train_writing_tokenizer
            tokenizer = train(texts(), base.vocab_size)
            return OpenedBase(scratch_config(base.size, tokenizer, architecture), tokenizer, None)
        case ShippedBase():
            return _open_folder(shipped_folder(base.name))
        case FolderBase():
            return _open_folder(base.path)
        case HubBase():
            return _open_folder(_download(base, online=online))
        case _:
            assert_never(base)


def check_folder(folder: Path) -> None:
    """Refuse a folder that is not a plain, complete, safe Hugging Face model. Raises ``ModelError``."""
    if not folder.is_dir():
        raise ModelError(
            "model-folder-missing",
            "there is no model folder here",
            where=folder,
            fix="correct the path (it is relative to the recipe), or write base: {kind: hub, id: …} to download one",
        )
    if (folder / MANIFEST).is_file():
        Artifact.open(folder).verify()
    if not any((folder / name).is_file() for name in WEIGHT_FILES):
        _refuse_missing_weights(folder)
    if not (folder / CONFIG_FILE).is_file():
        raise _incomplete(folder, CONFIG_FILE)
    if "auto_map" in load_json(folder / CONFIG_FILE):
        raise ModelError(
            "model-needs-code",
            "the model asks to run Python code from its own folder",
            where=folder / CONFIG_FILE,
            fix="triga never runs code that comes with a model; choose an architecture that transformers knows",
        )
    _check_weights(folder)


def open_tokenizer(folder: Path) -> Tokenizer:
    """The folder's fast tokenizer; one that has only a vocabulary file is converted by transformers."""
    config = load_json(folder / CONFIG_FILE)
    uses_token_types = int(config.get("type_vocab_size") or 0) > 1
    if (folder / TOKENIZER_FILE).is_file():
        return Tokenizer.load(folder, uses_token_types=uses_token_types)
    from transformers import AutoTokenizer

    try:
        converted = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        raw, needed = converted.backend_tokenizer, converted.vocab_files_names
    except (OSError, ValueError, AttributeError, ImportError) as error:
        raise _incomplete(folder, TOKENIZER_FILE) from error
    # Without a vocabulary transformers gives a tokenizer all the same; it knows no word.
    if any(not (folder / name).is_file() for role, name in needed.items() if role != "tokenizer_file"):
        raise _incomplete(folder, TOKENIZER_FILE)
    return Tokenizer(raw, uses_token_types=uses_token_types)


def scratch_config(size: Size, tokenizer: Tokenizer, architecture: Architecture = "modernbert") -> PreTrainedConfig:
    """The configuration of a fresh network of a size of the dial."""
    from transformers import LlamaConfig, ModernBertConfig, T5Config

    from triga.models.plain import BiLstmConfig, CnnConfig, register

    register()
    shape = SIZES[size]
    begin, end = tokenizer.document_ids
    common = {
        "vocab_size": -(-tokenizer.vocab_size // 64) * 64,  # a multiple of 64 keeps matrix kernels on their fast path
        "hidden_size": shape.hidden_size,
        "max_position_embeddings": MAX_POSITIONS,
        "pad_token_id": tokenizer.pad_id,
        "bos_token_id": begin,
        "eos_token_id": end,
    }
    layers = {"num_hidden_layers": shape.num_layers, "num_attention_heads": shape.num_heads}
    match architecture:
        case "modernbert":
            return ModernBertConfig(
                intermediate_size=shape.intermediate_size,
                classifier_pooling="mean",
                cls_token_id=begin,
                sep_token_id=end,
                **layers,
                **common,
            )
        case "llama":
            return LlamaConfig(intermediate_size=shape.gated_size, tie_word_embeddings=True, **layers, **common)
        case "t5":
            return T5Config(
                d_ff=shape.gated_size,
                d_kv=HEAD_WIDTH,
                num_decoder_layers=shape.num_layers,
                feed_forward_proj="gated-gelu",
                decoder_start_token_id=tokenizer.pad_id,
                **layers,
                **common,
            )
        case "bilstm":
            return BiLstmConfig(num_hidden_layers=shape.num_recurrent_layers, **common)
        case "cnn":
            return CnnConfig(**common)
        case _:
            assert_never(architecture)


def _open_folder(folder: Path) -> OpenedBase:
    check_folder(folder)
    from huggingface_hub.errors import StrictDataclassError
    from transformers import AutoConfig

    from triga.models.plain import register

    register()
    try:
        config: Any = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError, StrictDataclassError) as error:
        raise ModelError(
            "model-config-invalid",
            "config.json does not describe a model that transformers knows: {reason}",
            where=folder / CONFIG_FILE,
            fix="copy the folder again, or upgrade transformers if the architecture is newer than it",
            reason=" ".join(str(error).split())[:200],
        ) from error
    return OpenedBase(config, open_tokenizer(folder), folder)


def _download(base: HubBase, *, online: bool) -> Path:
    from huggingface_hub import snapshot_download

    wanted = ["*.json", "*.safetensors", "*.txt", "*.model"]
    try:
        return Path(
            snapshot_download(base.id, revision=base.revision, allow_patterns=wanted, local_files_only=not online)
        )
    except Exception as error:  # the hub client raises a dozen unrelated types for "not there"
        raise ModelError(
            "model-not-downloaded",
            "model {id} is not on this machine, and could not be fetched: {reason}",
            where=f"base: {base.id}",
            fix="set online: true in the recipe to download it (HF_ENDPOINT names a mirror), or give a folder as base",
            id=base.id,
            reason=str(error).splitlines()[0][:200],
        ) from error


def _refuse_missing_weights(folder: Path) -> None:
    pickled = sorted(path.name for pattern in PICKLED_FILES for path in folder.glob(pattern))
    if not pickled:
        raise _incomplete(folder, WEIGHT_FILES[0])
    raise ModelError(
        "model-holds-pickle",
        "the weights are in {name}, a pickle, which can run code when it is read",
        where=folder,
        fix="convert it once: triga models convert {name} NEW_FOLDER (weights only, in a process of its own)",
        name=pickled[0],
    )


def _check_weights(folder: Path) -> None:
    """Every shard is there, and as long as its header says. Costs no reading of weights."""
    from safetensors import SafetensorError, safe_open

    name = WEIGHT_FILES[0]
    try:
        for name in _shards(folder):
            with safe_open(folder / name, "np"):
                pass
    except FileNotFoundError as error:
        raise _incomplete(folder, name) from error
    except (SafetensorError, TypeError, KeyError, AttributeError) as error:
        raise ModelError(
            "model-weights-unreadable",
            "the weights are cut or damaged: {reason}",
            where=folder / name,
            fix="copy the file again from where the model came from",
            reason=str(error)[:200],
        ) from error


def _shards(folder: Path) -> list[str]:
    whole, index = (folder / name for name in WEIGHT_FILES)
    return [whole.name] if whole.is_file() else sorted(set(load_json(index)["weight_map"].values()))


def _incomplete(folder: Path, name: str) -> ModelError:
    return ModelError(
        "model-file-missing",
        "the model folder has no {name}",
        where=folder,
        fix="copy the whole folder again from where the model came from",
        name=name,
    )
