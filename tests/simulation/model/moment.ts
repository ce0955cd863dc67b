/** When a request was made and answered: as event numbers, and in simulated time. */
export interface Moment {
  started: number;
  startedAt: number;
  finished: number;
  finishedAt: number;
  /** Whether a call of the request met a fault. */
  disturbed: boolean;
}
