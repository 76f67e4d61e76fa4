"""Which public sets can be downloaded, and what is known of them.

Nothing here was fetched when it was written: addresses, sizes and variable names are from public
pages and repositories, and are called unknown where those do not say.
"""

from __future__ import annotations

from tinyops.data.recordings.download.public_set import PublicFile, PublicSet
from tinyops.errors import TinyOpsError

_NO_CHECKSUM = (
    "none is published; what comes first is written to SHA256SUMS and must be the same ever after"
)
_CLASSES = {"N": "normal", "B": "ball", "I": "inner_race", "O": "outer_race"}
_UESTC = "https://raw.githubusercontent.com/ChangLiu2024/UESTC-Bearing-Dataset/"
_UESTC_COMMIT = "2091a655c31b075f0388b96bb7e81f4e3099b027"

UESTC = PublicSet(
    name="uestc",
    title="UESTC bearing data: vibration at four speeds, 20 kHz",
    homepage="https://github.com/ChangLiu2024/UESTC-Bearing-Dataset",
    licence="no licence file; its README: open for any bearing fault detection research, "
    "publications must cite the paper",
    citation="C. Liu et al., A New Target Domain One-Class Learning Bearing Fault Detection "
    "Framework, doi 10.1109/JSEN.2025.3635217",
    size="each below 4 MiB; the sum is not published",
    checksum=f"the address names a commit of git; SHA-256: {_NO_CHECKSUM}",
    notes=(
        "one bearing a class: it shows other speeds, never unseen machines",
        "the unit of its array Data is not stated: the command takes it for volts, by the sensor's "
        "10.22 mV per m/s^2",
        "dates are not known; its five files of a class and speed were recorded in one go",
    ),
    needs="20 kHz, one channel, m/s^2, as motor_health",
    commands=(
        "tinyops data import uestc/*/*.mat --project {project} --out uestc.parquet "
        "--named '{{code}}_{{rpm}}_{{take}}' --machine 'uestc_{{code}}' "
        "--device '{{code}}_{{rpm}}' --label '{{folder}}' --array Data --rate 20000 --gain 97.85 "
        "--recorded-at '2025-01-01T00:0{{take}}:00Z' --condition 'recorded_at=not known' "
        "--condition 'rpm={{rpm}}' --condition 'take={{take}}'",
    ),
    files=tuple(
        PublicFile(
            f"{_UESTC}{_UESTC_COMMIT}/Data/{code}_{rpm}/{code}_{rpm}_{take}.mat",
            f"{label}/{code}_{rpm}_{take}.mat",
        )
        for code, label in _CLASSES.items()
        for rpm in (800, 1000, 1200, 1400)
        for take in range(1, 6)
    ),
)

# Label, thousandths of an inch, where on the outer race, and the files' numbers at 0 to 3 hp.
_CWRU: tuple[tuple[str, str, str, tuple[int, int, int, int]], ...] = (
    ("normal", "000", "none", (97, 98, 99, 100)),
    ("inner_race", "007", "none", (105, 106, 107, 108)),
    ("inner_race", "014", "none", (169, 170, 171, 172)),
    ("inner_race", "021", "none", (209, 210, 211, 212)),
    ("ball", "007", "none", (118, 119, 120, 121)),
    ("ball", "014", "none", (185, 186, 187, 188)),
    ("ball", "021", "none", (222, 223, 224, 225)),
    ("outer_race", "007", "6h", (130, 131, 132, 133)),
    ("outer_race", "007", "3h", (144, 145, 146, 147)),
    ("outer_race", "007", "12h", (156, 158, 159, 160)),
    ("outer_race", "014", "6h", (197, 198, 199, 200)),
    ("outer_race", "021", "6h", (234, 235, 236, 237)),
    ("outer_race", "021", "3h", (246, 247, 248, 249)),
    ("outer_race", "021", "12h", (258, 259, 260, 261)),
)
_CWRU_SAID = (
    "--named '{{mil}}_{{at}}_{{hp}}_{{number}}' --machine 'cwru_{{folder}}_{{mil}}_{{at}}' "
    "--label '{{folder}}' --array 'X{{number}}_DE_time' --unit g "
    "--recorded-at '2001-01-01T00:0{{hp}}:00Z' --condition 'recorded_at=not known' "
    "--condition 'load_hp={{hp}}' --condition 'mil={{mil}}'"
)

CWRU = PublicSet(
    name="cwru",
    title="Case Western Reserve bearing data: drive end, four loads, 12 kHz",
    homepage="https://engineering.case.edu/bearingdatacenter",
    licence="none stated; public university data",
    citation="Case Western Reserve University Bearing Data Center",
    size="3 to 16 MB each where somebody has said it; the sum is not published",
    checksum=_NO_CHECKSUM,
    notes=(
        "the normal files are at 48 kHz and the faults at 12 kHz, which the files do not say: "
        "shaft and mains lines give it away. Hence two commands",
        "file 99 also holds the array of file 98: the command names the array by the file's number",
        "faults of 0.028 inch are left out: their arrays are not named by the file's number",
        "units are not stated in the files and are commonly read as g; dates are not known",
    ),
    needs="12 kHz, one channel, g",
    commands=(
        "tinyops data import cwru/normal/*.mat --project {project} --out cwru-normal.parquet "
        f"--rate 48000 --resample polyphase {_CWRU_SAID}",
        "tinyops data import cwru/*_race/*.mat cwru/ball/*.mat --project {project} "
        f"--out cwru-faults.parquet --rate 12000 {_CWRU_SAID}",
    ),
    files=tuple(
        PublicFile(
            f"https://engineering.case.edu/sites/default/files/{number}.mat",
            f"{label}/{mil}_{at}_{load}_{number:03d}.mat",
        )
        for label, mil, at, numbers in _CWRU
        for load, number in enumerate(numbers)
    ),
)

SPEECH_COMMANDS = PublicSet(
    name="speech-commands",
    title="Speech Commands v2: 105,829 spoken words of one second, 16 kHz",
    homepage="https://arxiv.org/abs/1804.03209",
    licence="CC BY 4.0",
    citation="P. Warden, Speech Commands: A Dataset for Limited-Vocabulary Speech Recognition, "
    "arXiv 1804.03209",
    size="2,428,923,189 bytes packed",
    checksum="SHA-256 as torchaudio and TensorFlow Datasets publish it",
    notes=(
        "a speaker is a machine here, so that no voice is on both sides of a split",
        "loudness is not calibrated: 1 stands for full scale",
    ),
    needs="16 kHz, one channel, unit `full scale`",
    commands=(
        "mkdir -p speech-commands/words && tar -xzf speech-commands/speech_commands_v0.02.tar.gz "
        "-C speech-commands/words",
        "tinyops data import speech-commands/words/{{yes,no,up,down}}/*.wav --project {project} "
        "--out words.parquet --named '{{speaker}}_nohash_{{take}}' --machine '{{speaker}}' "
        "--label '{{folder}}' --recording '{{folder}}-{{stem}}' --unit 'full scale' "
        "--recorded-at file",
    ),
    files=(
        PublicFile(
            "https://storage.googleapis.com/download.tensorflow.org/data/speech_commands_v0.02.tar.gz",
            "speech_commands_v0.02.tar.gz",
            2_428_923_189,
            "af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58",
        ),
    ),
)

PUBLIC_SETS = {one.name: one for one in (UESTC, CWRU, SPEECH_COMMANDS)}


def public_set(name: str) -> PublicSet:
    """A set by its name; TinyOpsError when there is none."""
    try:
        return PUBLIC_SETS[name]
    except KeyError:
        raise TinyOpsError(
            f"no public data set {name!r}", f"there is: {', '.join(PUBLIC_SETS)}"
        ) from None
