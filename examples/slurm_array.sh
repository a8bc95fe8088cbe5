#!/bin/bash
#SBATCH --array=0-7
#SBATCH --cpus-per-task=2
# sbatch slurm_array.sh /data/plate
# Where the viewer is; `platecast pair` was run once on the login node, whose home folder all nodes share.
export PLATECAST_NAPARI_HOST=${PLATECAST_NAPARI_HOST:-192.168.1.20}
srun python slurm_array.py "$@"
