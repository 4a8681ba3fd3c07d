# Models that were trained here, each filed on a shelf with its card; other runs find them by their conditions.
rule shelve:
    input:
        gather("shelve", FILES.shelved),


rule shelve_model:
    input:
        unpack(FILES.shown),
        model=paths.MODEL,
    output:
        paths.SHELVED,
    log:
        "logs/models/{model}/shelve.log",
    benchmark:
        "benchmarks/models/{model}/shelve/model.tsv"
    wildcard_constraints:
        model=paths.one_of(RUN.trained_models),
    conda:
        "../../envs/learning.yaml"
    params:
        shelf=RUN.config.shelf.to,
        factor=RUN.config.shelf.factor,
    script:
        "../scripts/shelve_model.py"
