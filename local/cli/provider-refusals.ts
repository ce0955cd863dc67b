/** What a person does about a provider that refuses our account, by the code of the job's error. */
const ADVICE: Record<string, string> = {
  provider_unauthorized:
    "fal refused the key in FAL_KEY, or this request of its account. Make a key at https://fal.ai/dashboard/keys and " +
    "set it anew: in .env for the local stack, with `supabase secrets set FAL_KEY=…` for a hosted project.",
  provider_locked: "fal has locked the account of the key in FAL_KEY, as it does when the balance is used up: " +
    "https://fal.ai/dashboard/billing",
};

/** What to do about an error of a job, where it is about the operator's account at fal. */
export function explainProviderRefusal(errorCode: string | null | undefined): string | undefined {
  return ADVICE[errorCode ?? ""];
}
