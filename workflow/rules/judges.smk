# With which models a scan is judged, where they are, and what that takes.
def file_of_model(name):
    """A model: a product, or a file; ancient, since its content counts."""
    product = f"results/models/{name}/model.safetensors"
    return product if name in MODELS else ancient(str(FILES[name].file))


def compared(scan):
    """Other models that a scan's own is compared with."""
    own = settings.model_of(CONFIG, scan)
    return [name for name in settings.rivals(CONFIG) if name != own]


def judged_models(scan):
    """A scan's model and those that it is compared with."""
    return [settings.model_of(CONFIG, scan), *compared(scan)]


def channel_labels(wildcards):
    """Names of the channels of a scan, which verdicts tell; None where there are none."""
    channels = TABLE[wildcards.scan].scan.channels
    return list(channels.labels) if channels else None


def judging_specs(scan):
    return [
        scan_table.spec_of(CONFIG, TABLE, FILES, name) for name in judged_models(scan)
    ]


def judging_floats(wildcards):
    specs, rivals = judging_specs(wildcards.scan), len(CONFIG["compare"])
    shapes = layout_so_far(wildcards.scan)
    return needs.judging(specs, shapes, CONFIG["denoise"]["input"], rivals)


def judging_runtime(wildcards, attempt):
    """Minutes."""
    specs, rivals = judging_specs(wildcards.scan), len(CONFIG["compare"])
    shapes = layout_so_far(wildcards.scan)
    planned = needs.judging_minutes(specs, shapes, CONFIG["denoise"], rivals)
    return attempt * (30 + int(planned))
