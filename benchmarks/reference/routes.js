// Tickets and orders over HTTP, each change published after it is saved.
import { createSecretKey } from "node:crypto";

import { Router } from "express";
import { body, validationResult } from "express-validator";
import jwt from "jsonwebtoken";
import mongoose from "mongoose";

import { LIVE, Order, Ticket } from "./models.js";

// A key object, because jsonwebtoken tries a string as a public key first: half a millisecond per call.
const JWT_KEY = createSecretKey(Buffer.from(process.env.JWT_KEY));
const WINDOW_SECONDS = 15 * 60;
const PAGE = 100;

class Refused extends Error {
  constructor(status, message, problems) {
    super(message);
    this.status = status;
    this.problems = problems;
  }
}

function currentUser(request, _response, next) {
  const token = request.cookies.session;
  if (token) {
    try {
      request.currentUser = jwt.verify(token, JWT_KEY);
    } catch {
      // not signed in
    }
  }
  next();
}

function requireAuth(request, _response, next) {
  if (!request.currentUser) throw new Refused(401, "Not authorized");
  next();
}

function validateRequest(request, _response, next) {
  const problems = validationResult(request);
  if (!problems.isEmpty()) {
    const shown = problems.array().map((problem) => ({ message: problem.msg, field: problem.path }));
    throw new Refused(400, "Invalid request parameters", shown);
  }
  next();
}

const shown = ({ _id, ...rest }) => ({ id: _id, ...rest });

export function router(bus) {
  const routes = Router();
  routes.use(currentUser);

  routes.get("/tickets", async (_request, response) => {
    const tickets = await Ticket.find({ orderId: null }).sort({ _id: -1 }).limit(PAGE).lean();
    response.send(tickets.map(shown));
  });

  routes.get("/tickets/:id", async (request, response) => {
    if (!mongoose.isValidObjectId(request.params.id)) throw new Refused(404, "Not found");
    const ticket = await Ticket.findById(request.params.id).lean();
    if (!ticket) throw new Refused(404, "Not found");
    response.send(shown(ticket));
  });

  routes.post(
    "/tickets",
    requireAuth,
    body("title").not().isEmpty().withMessage("Title is required"),
    body("price").isFloat({ gt: 0 }).withMessage("Price must be greater than 0"),
    validateRequest,
    async (request, response) => {
      const { title, price } = request.body;
      const ticket = new Ticket({ title, price, userId: request.currentUser.sub });
      await ticket.save();
      await bus.publish(
        "reference.ticket.created",
        JSON.stringify({
          id: ticket.id,
          title: ticket.title,
          price: ticket.price,
          userId: ticket.userId,
          version: ticket.version,
        }),
      );
      response.status(201).send(ticket);
    },
  );

  routes.post(
    "/orders",
    requireAuth,
    body("ticketId")
      .custom((id) => mongoose.isValidObjectId(id))
      .withMessage("ticketId must be provided"),
    validateRequest,
    async (request, response) => {
      const ticket = await Ticket.findById(request.body.ticketId);
      if (!ticket) throw new Refused(404, "Not found");
      const reserved = await Order.findOne({ ticket: ticket._id, status: { $in: LIVE } });
      if (reserved) throw new Refused(400, "Ticket is already reserved");
      const order = new Order({
        userId: request.currentUser.sub,
        expiresAt: new Date(Date.now() + WINDOW_SECONDS * 1000),
        ticket,
      });
      await order.save();
      await bus.publish(
        "reference.order.created",
        JSON.stringify({
          id: order.id,
          status: order.status,
          userId: order.userId,
          expiresAt: order.expiresAt,
          version: order.version,
          ticket: { id: ticket.id, price: ticket.price },
        }),
      );
      response.status(201).send(order);
    },
  );

  return routes;
}
