"""Where each module is tested: in the file of its name, or where this map says."""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).parent
PACKAGE = HERE.parent / "src" / "fittingroom"
WHERE = {
    "backend": "cli/test_app",
    "errors": "cli/test_app",
    "mapped_arrays": "data/test_large_files",
    "progress": "training/test_record",
    "tutorial_plan": "workflows/test_tutorial",
    "audit/audit_files": "audit/test_auditing",
    "audit/folds": "audit/test_auditing",
    "audit/label_errors": "audit/test_auditing",
    "cli/audit_commands": "audit/test_auditing",
    "baselines/families": "baselines/test_baseline_table",
    "baselines/fitting": "baselines/test_baseline_table",
    "baselines/suite": "baselines/test_baseline_table",
    "cli/data_commands": "cli/test_commands",
    "cli/job_table": "cli/test_train_options",
    "cli/judging_commands": "cli/test_judging",
    "cli/measuring_commands": "speed/test_race",
    "cli/model_commands": "cli/test_commands",
    "cli/output": "cli/test_app",
    "cli/predict_commands": "cli/test_predict",
    "cli/report_commands": "cli/test_commands",
    "cli/run_commands": "cli/test_commands",
    "cli/studio_commands": "cli/test_app",
    "cli/sweep_commands": "cli/test_sweep_report",
    "cli/train_commands": "cli/test_commands",
    "cli/verdict_text": "cli/test_judging",
    "data/foreign_loading": "data/test_converting",
    "data/formats/contents": "data/test_converting",
    "data/formats/format_table": "data/test_converting",
    "data/formats/grey_png": "data/formats/test_png_folders",
    "data/mnist_kin": "data/test_kin_files",
    "export/fresh_check": "export/test_export",
    "export/model_export": "export/test_export",
    "export/onnx_writer": "export/test_odd_networks",
    "graphs/batch_norm": "graphs/test_passes",
    "graphs/log_loss": "graphs/test_passes",
    "graphs/memory": "graphs/test_passes",
    "graphs/nodes": "graphs/test_passes",
    "graphs/random": "graphs/test_passes",
    "graphs/simplify": "graphs/test_passes",
    "inference/forward": "inference/test_keras_engine",
    "inference/model_files": "inference/test_agreement",
    "inference/onnx_engine": "export/test_export",
    "inference/predictor": "inference/test_agreement",
    "judging/scores": "judging/test_against_libraries",
    "judging/validation": "judging/test_bad_input",
    "jobs/archives": "jobs/test_run_jobs",
    "jobs/carrying_out": "jobs/test_run_jobs",
    "jobs/job": "jobs/test_run_jobs",
    "jobs/worker": "jobs/test_kills",
    "ladder/ladder_page": "ladder/test_page",
    "ladder/ladder_table": "ladder/test_table",
    "ladder/measure": "ladder/test_views",
    "models/custom": "models/test_rebuilt",
    "models/functional_model": "training/test_adapt",
    "models/hidden_state": "training/test_odd_models",
    "models/python_values": "training/test_odd_models",
    "models/thin_conv": "models/test_models",
    "models/torch_adapter": "training/test_odd_models",
    "models/walkthrough": "models/test_models",
    "pages/audit_report": "audit/test_auditing",
    "pages/audit/gather": "audit/test_auditing",
    "pages/audit/page": "audit/test_auditing",
    "pages/audit/values": "audit/test_auditing",
    "pages/class_page": "workflows/test_class_collection",
    "pages/comparison/gather": "workflows/test_pages",
    "pages/comparison/page": "pages/test_comparison_page",
    "pages/comparison/values": "pages/test_comparison_page",
    "pages/exploration": "cli/test_commands",
    "pages/html": "pages/test_svg",
    "pages/replay": "training/test_snapshots",
    "pages/report": "workflows/test_pages",
    "pages/run/gather": "workflows/test_pages",
    "pages/run/page": "pages/test_run_page",
    "pages/run/values": "pages/test_judged",
    "pages/sweep/gather": "cli/test_sweep_report",
    "pages/sweep/page": "cli/test_sweep_report",
    "pages/sweep/values": "cli/test_sweep_report",
    "pages/tutorial/gather": "workflows/test_tutorial",
    "pages/tutorial/page": "pages/test_pages",
    "pages/tutorial/values": "pages/test_tutorial_sentences",
    "photos/explain": "cli/test_predict",
    "serving/picture_routes": "serving/test_protocol_routes",
    "serving/plain_route": "serving/test_protocol_routes",
    "serving/server_docs": "serving/test_protocol_routes",
    "serving/serving_metrics": "serving/test_model_server",
    "cli/serve_commands": "serving/test_model_server",
    "speed/contenders": "speed/test_race",
    "speed/lineup": "speed/test_race",
    "speed/process": "speed/test_race",
    "studio/curation": "studio/test_curate_routes",
    "studio/asgi": "studio/test_openapi",
    "studio/flat_dataset": "studio/test_data_routes",
    "studio/inside_answers": "studio/test_answer_routes",
    "studio/jobs": "studio/test_answer_routes",
    "studio/layouts": "studio/test_answer_routes",
    "studio/model_answers": "studio/test_answer_routes",
    "studio/order_folders": "studio/test_trainings",
    "studio/photo_answers": "studio/test_photo_routes",
    "studio/run_table": "studio/test_run_routes",
    "studio/sweep_jobs": "studio/test_sweep_routes",
    "studio/state": "studio/test_data_routes",
    "studio/training_jobs": "studio/test_trainings",
    "studio/training_routes": "studio/test_trainings",
    "training/batching": "training/test_augment",
    "training/checkpoint": "training/test_resume",
    "training/gradients": "training/test_compute",
    "training/live_settings": "training/test_changes_by_callbacks",
    "training/loop": "training/test_fit",
    "training/plan": "training/test_trainer",
    "training/step": "training/test_averaging",
    "web/limits": "web/test_limits_middleware",
    "web/listening": "studio/test_trouble",
    "web/problems": "web/test_path_redaction",
    "web/uploads": "studio/test_photo_routes",
    "workflows/explaining": "cli/test_predict",
    "workflows/later_lesson_judges": "workflows/test_lesson_checks",
    "workflows/lesson_judges": "workflows/test_lesson_checks",
    "workflows/exporting": "cli/test_export",
    "workflows/picture_answers": "cli/test_predict",
    "workflows/run_data": "workflows/test_training",
    "workflows/run_group": "workflows/test_seed_training",
    "workflows/sweep_plan": "cli/test_sweep_report",
    "workflows/train_jobs": "workflows/test_seed_training",
    "workflows/training_previews": "cli/test_commands",
}


def modules() -> dict[str, bool]:
    """Every module, and whether a test file beside or above has its name."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.stem in ("__init__", "__main__", "_version"):
            continue
        relative = path.relative_to(PACKAGE)
        own = [HERE / relative.parts[0] / f"test_{path.stem}.py", HERE / f"test_{path.stem}.py"]
        elsewhere = list(HERE.rglob(f"test_{path.stem}.py")) if path.stem not in ("page", "values", "gather") else []
        found[relative.with_suffix("").as_posix()] = any(file.is_file() for file in (*own, *elsewhere))
    return found


def test_every_module_has_a_test_file_of_its_name_or_is_on_the_map():
    assert {name for name, has_own in modules().items() if not has_own} == WHERE.keys()


def test_every_file_on_the_map_is_there():
    assert [place for place in WHERE.values() if not (HERE / f"{place}.py").is_file()] == []
