/** Models of the catalogue that the world asks for by id. The canvas gets them without naming them. */
export const KLING = "6f1d3c52-0b0e-4c53-9d5a-2f6f5b1a0001";
export const WAN_IMAGE = "6f1d3c52-0b0e-4c53-9d5a-2f6f5b1a0007";
