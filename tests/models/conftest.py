"""Model tests run on one core, so that they do not fight with each other."""

import torch

torch.set_num_threads(1)
