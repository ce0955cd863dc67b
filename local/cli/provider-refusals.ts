/** What to do when a provider refuses our account, by the error code of the job. */
const ADVICE: Record<string, string> = {
  provider_unauthorized:
    "fal refused the key in FAL_KEY, or this request of its account. Make a key at https://fal.ai/dashboard/keys and " +
    "set it: in .env for the local stack, with `supabase secrets set FAL_KEY=…` for a hosted project.",
  provider_locked: "fal has locked the account of the key in FAL_KEY, as it does when the balance is used up. " +
    "Add credit at https://fal.ai/dashboard/billing",
};

/** What to do about the error of a job, where the operator's account at fal is its cause. */
export function explainProviderRefusal(errorCode: string | null | undefined): string | undefined {
  return ADVICE[errorCode ?? ""];
}
