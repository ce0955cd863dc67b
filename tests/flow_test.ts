import { claimTheWholeFlow } from "./claims/flow.ts";
import { ENDLESS } from "./generation.ts";
import { useWorld } from "./harness.ts";

claimTheWholeFlow(useWorld({ falSimulator: ENDLESS }));
