"""The face_recognition library, imported without what its import does to others."""

from types import ModuleType


def face_recognition() -> ModuleType:
    """The library; its first import reads 130 MB and takes seconds.

    Raises ImportError when it or its models are not installed.
    """
    from PIL import ImageFile

    truncated = ImageFile.LOAD_TRUNCATED_IMAGES
    try:
        import face_recognition as library
    except SystemExit as error:
        # face_recognition calls quit() when it cannot load its models
        raise ImportError("face_recognition found no models") from error
    finally:
        # it also makes Pillow accept torn images everywhere
        ImageFile.LOAD_TRUNCATED_IMAGES = truncated
    module: ModuleType = library
    return module
