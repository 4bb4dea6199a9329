const EXIT_CODE_AFTER_SIGTERM = 143;

/**
 * Let the server exit with 0 after SIGTERM. Next.js calls this once, when it starts.
 *
 * Next.js finishes the pending requests and then exits with 143, which Docker and Kubernetes show as
 * a failure.
 */
export function register(): void {
  process.on("exit", (code) => {
    if (code === EXIT_CODE_AFTER_SIGTERM) process.exitCode = 0;
  });
}
