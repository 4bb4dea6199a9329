const EXIT_CODE_AFTER_SIGTERM = 143;

/**
 * Limit the pages of each address, and let the server exit with 0 after SIGTERM. Next.js calls this once,
 * when it starts.
 *
 * Next.js finishes the pending requests and then exits with 143, which Docker and Kubernetes show as
 * a failure.
 */
export async function register(): Promise<void> {
  process.on("exit", (code) => {
    if (code === EXIT_CODE_AFTER_SIGTERM) process.exitCode = 0;
  });
  if (process.env.NEXT_RUNTIME !== "nodejs") return;
  const { startPageAdmission } = await import("@/lib/page-admission");
  startPageAdmission();
}
