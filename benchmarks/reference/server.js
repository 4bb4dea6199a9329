// The reference of make bench: Express, Mongoose and NATS JetStream in one process.
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import cookieParser from "cookie-parser";
import express from "express";
import mongoose from "mongoose";

import { router } from "./routes.js";

await mongoose.connect(process.env.MONGO_URI, { w: "majority", journal: true });
await Promise.all(Object.values(mongoose.models).map((model) => model.init()));

const { host, username, password } = new URL(process.env.NATS_URL);
const nats = await connect({ servers: host, user: username, pass: password });
const manager = await jetstreamManager(nats);
await manager.streams.add({ name: "reference", subjects: ["reference.>"], storage: "file" });

const app = express();
app.disable("x-powered-by");
app.use(express.json());
app.use(cookieParser());
app.use("/api", router(jetstream(nats)));
app.use((error, _request, response, _next) => {
  const status = error.status ?? 500;
  if (status === 500) console.error(error);
  response.status(status).send({ errors: error.problems ?? [{ message: error.message }] });
});

app.listen(Number(process.env.PORT), "127.0.0.1");
