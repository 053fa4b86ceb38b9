"""Many trainings: jobs as plain values, carried out in this process, in worker processes, or on a cluster by Dask."""
