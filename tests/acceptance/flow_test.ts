import { testWholeFlow } from "../support/runtime-tests/flow.ts";
import { ENDLESS } from "../support/generation.ts";
import { useWorld } from "../support/harness.ts";

testWholeFlow(useWorld({ falSimulator: ENDLESS }));
