"""Pooling over time: which of average, maximum and attention tells similar clips from different ones?"""

from muybridge.analysis.features import compare_poolings, learn_query, synthetic_pairs

for title, world in {
    "an event that fills the clip, in strong noise": {"noise": 4.0, "event_frames": 16},
    "an event of 4 frames of 16, in noise": {"noise": 1.0, "event_frames": 4},
    "an event of a single frame, in weak noise": {"noise": 0.5, "event_frames": 1},
}.items():
    # The query of learned attention is found on other pairs than those it is judged by.
    query = learn_query(*synthetic_pairs(20, first_seed=1000, **world))
    comparison = compare_poolings(*synthetic_pairs(50, **world), query=query)
    print(f"{title}; mean ± spread over 50 seeds")
    print(comparison.table())
    print(comparison.sentence, end="\n\n")
