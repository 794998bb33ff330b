"""A portrait's components in, what keeps it from being a good sample out."""

from biometrics.types import Portrait

# in the aligned crop the eyes lie 36 px apart: with fewer in the picture it is enlarged
_EYE_DISTANCE_PX = 36.0
# 29 portraits and 60 frames of 3 films: contrast 25 to 52, sharpness 0.020 to 0.17, unevenness up
# to 0.20. The films with a fifth of their light: contrast 8; blurred over 25 px: sharpness 0.006 to
# 0.010; lit from one side: unevenness 0.20 to 0.22; three times the light: a third blown out
_CONTRAST, _SHARPNESS, _OVEREXPOSED, _UNEVENNESS = 12.0, 0.012, 0.3, 0.3
_YAW_DEG = 30.0


def faults(portrait: Portrait) -> tuple[str, ...]:
    """What to change before it is a good sample, gravest first. Closed eyes are none: some are."""
    found = {
        "too_small": portrait.eye_distance_px < _EYE_DISTANCE_PX,
        "cut_off": not portrait.whole,
        "turned": abs(portrait.yaw_deg) > _YAW_DEG,
        "too_bright": portrait.overexposed > _OVEREXPOSED,
        "uneven_light": portrait.unevenness > _UNEVENNESS,
        "little_light": portrait.contrast < _CONTRAST,
        "blurred": portrait.sharpness < _SHARPNESS,
    }
    return tuple(name for name, is_found in found.items() if is_found)
