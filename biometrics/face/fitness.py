"""A portrait's components in, what keeps it from being a good sample out."""

from biometrics.types import Portrait

# in the aligned crop the eyes lie 36 px apart: with fewer in the picture it is enlarged
_EYE_DISTANCE_PX = 36.0
# 29 portraits and 60 frames of 3 films: contrast 25 to 52, sharpness 0.020 to 0.17, unevenness up
# to 0.20. The films with a fifth of their light: contrast 8; blurred over 25 px: sharpness 0.006 to
# 0.010; lit from one side: unevenness 0.20 to 0.22; three times the light: a third blown out
_CONTRAST, _SHARPNESS, _OVEREXPOSED, _UNEVENNESS = 12.0, 0.012, 0.3, 0.3
_YAW_DEG = 30.0
# above 0 = bent down. 22 upright portraits: -3 to 35; a man before his webcam: -10 to -3; a head
# that is bent, and one in a helmet: 44. Nobody in them looks up: as far from the middle as down
_PITCH_DEG = (-30.0, 40.0)


def faults(portrait: Portrait) -> tuple[str, ...]:
    """What to change before it is a good sample, gravest first. Closed eyes are none: some are."""
    lowest, highest = _PITCH_DEG
    found = {
        "too_small": portrait.eye_distance_px < _EYE_DISTANCE_PX,
        "cut_off": not portrait.whole,
        "turned": abs(portrait.yaw_deg) > _YAW_DEG,
        "tilted": not lowest <= portrait.pitch_deg <= highest,
        "too_bright": portrait.overexposed > _OVEREXPOSED,
        "uneven_light": portrait.unevenness > _UNEVENNESS,
        "little_light": portrait.contrast < _CONTRAST,
        "blurred": portrait.sharpness < _SHARPNESS,
    }
    return tuple(name for name, is_found in found.items() if is_found)
