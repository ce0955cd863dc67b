/** When a request was made and answered: in the order of events, and in the world's time. */
export interface Moment {
  started: number;
  startedAt: number;
  finished: number;
  finishedAt: number;
  /** Whether a fault was put in its way. */
  disturbed: boolean;
}
