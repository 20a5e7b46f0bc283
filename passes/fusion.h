// What pass fuse decided: every edge between two ops of a function, fused or left, with the rule and an estimate.
#ifndef LIG_PASSES_FUSION_H
#define LIG_PASSES_FUSION_H

#include "ir/graph.h"

typedef enum LigFusionRule {
    LIG_FUSION_NONE, // no reason against it
#define LIG_FUSION_RULE(ID, name, fused, why) LIG_FUSION_##ID,
#include "passes/fusion_rules.def"
#undef LIG_FUSION_RULE
    LIG_FUSION_RULE_COUNT
} LigFusionRule;

typedef struct LigFusionRuleInfo {
    const char *name;
    bool fused;
    const char *why;
} LigFusionRuleInfo;

const LigFusionRuleInfo *lig_fusion_rule_info(LigFusionRule rule); // not of NONE

// One edge. Strings and the kernel belong to the module. Estimates are at the upper bounds of all dims; 0 where
// one has none.
typedef struct LigFusionEdge {
    const LigFunc *func;
    LigOpCode producer, consumer;
    LigStr value;  // what the consumer reads, behind reshapes: what the producer computes
    LigStr result; // the first result of the consumer
    LigFusionRule rule;
    const LigFunc *kernel; // that the consumer is in
    int64_t value_bytes;   // of the value
    int64_t
        saved_bytes; // not moved: one read if fused; the write too, on the edge to the value's last reader, if nothing outside the kernel reads it
    int64_t flops;   // of the consumer: two a product; one an element of elementwise ops, four of row ops
} LigFusionEdge;

typedef struct LigFusionReport {
    LIG_VEC(LigFusionEdge) edges; // in the order of consumers; in the module's arena
} LigFusionReport;

#endif
