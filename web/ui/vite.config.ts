import { resolve } from "node:path";

import { defineConfig } from "vitest/config";

const source = (name: string): string => resolve(import.meta.dirname, "src", name);

export default defineConfig({
  base: "/static/",
  publicDir: false,
  build: {
    outDir: resolve(import.meta.dirname, "../static"),
    emptyOutDir: true,
    target: "es2023",
    modulePreload: false,
    rolldownOptions: {
      input: {
        app: source("app.css"),
        enrolment: source("enrolment.ts"),
        sitting: source("sitting.ts"),
        forget: source("forget.ts"),
        review: source("review.ts"),
        wall: source("wall.ts"),
        live: source("live.ts"),
        protocol: source("protocol.ts"),
      },
      output: {
        // the server names these files in its templates
        entryFileNames: "[name].js",
        chunkFileNames: "shared-[name].js",
        assetFileNames: "[name][extname]",
      },
    },
  },
  test: { environment: "node", include: ["src/**/*.test.ts"] },
});
