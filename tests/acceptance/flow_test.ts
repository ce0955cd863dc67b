import { claimTheWholeFlow } from "../support/runtime-tests/flow.ts";
import { ENDLESS } from "../support/generation.ts";
import { useWorld } from "../support/harness.ts";

claimTheWholeFlow(useWorld({ falSimulator: ENDLESS }));
