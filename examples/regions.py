"""From a probability map to text regions, with the reason each removed region fell to."""

import numpy as np

from muybridge.text.regions import find_regions

prob_map = np.zeros((200, 300))
for row in range(5):  # five lines of text: strips of 150 x 8 pixels
    prob_map[10 + 25 * row : 18 + 25 * row, 10:160] = 0.9
for x, y in ((200, 20), (230, 90), (260, 150)):  # three stains: blobs of 16 x 16 pixels
    prob_map[y : y + 16, x : x + 16] = 0.85

kept, removed = find_regions(prob_map, preset="horizontal_lines", expand_ratio=1.5)
print(f"{len(kept)} lines kept:")
for region in kept:
    print(f"  box {region.box}, aspect ratio {region.aspect_ratio}, score {region.score:.2f}")
    print(f"    expanded to {[(round(x, 1), round(y, 1)) for x, y in region.quad]}")
print(f"{len(removed)} regions removed:")
for region in removed:
    print(f"  box {region.box}: {region.reason}")
