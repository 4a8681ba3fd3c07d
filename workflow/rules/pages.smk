# What pages of the report show. Four large scans fill one with 12 MB of pictures; more have a page each.
SCANS_ON_A_PAGE = 4
PAGED = len(SCANS) > SCANS_ON_A_PAGE


def told_of(scans, layout=layout_of):
    """Input of a page of these scans, by name; `layout` is how their arrays are cut into slabs."""
    some = settings.only(CONFIG, scans)
    return {
        "scans": expand(
            "results/{scan}/{name}.json",
            scan=scans,
            name=["scan", "measured", "split", "center"],
        ),
        "centers": expand("results/{scan}/center.png", scan=scans),
        "corrections": projections_of(
            "results/{scan}/corrections/{block}-{slab}.json", scans
        ),
        "planes": image_slabs_of(
            "results/{scan}/figures/planes/{block}-{slab}.npz",
            scans,
            levels=False,
            layout=layout,
        )(None),
        "quality": expand("results/{scan}/quality.json", scan=scans),
        "curves": expand("results/{scan}/figures/quality.npz", scan=scans),
        "images": expand("results/{scan}/denoised.ome.zarr/zarr.json", scan=scans),
        "series": expand(
            "results/{scan}/figures/series.npz",
            scan=[scan for scan in scans if TABLE[scan].window],
        ),
        "histories": expand(
            "results/models/{model}/history.jsonl",
            model=[name for name in settings.models(some) if name in MODELS],
        ),
    }


def told_of_all(wildcards):
    """Input of the report: what is known of all scans, or the pages that each has."""
    if not PAGED:
        return told_of(SCANS)
    own = {
        "rows": "results/{scan}/figures/row.json",
        "pages": "results/{scan}/report.html",
    }
    return {name: expand(pattern, scan=SCANS) for name, pattern in own.items()}
