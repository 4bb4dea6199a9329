// The mongoose models of tickets and orders, with the indexes that the queries use.
import mongoose from "mongoose";

const toJSON = {
  transform(_document, shown) {
    shown.id = shown._id;
    delete shown._id;
  },
};
const options = { optimisticConcurrency: true, versionKey: "version", timestamps: true, toJSON };

const ticketSchema = new mongoose.Schema(
  {
    title: { type: String, required: true },
    price: { type: Number, required: true },
    userId: { type: String, required: true },
    orderId: { type: String, default: null },
  },
  options,
);
ticketSchema.index({ orderId: 1, _id: -1 });

export const LIVE = ["created", "awaiting:payment", "complete"];

const orderSchema = new mongoose.Schema(
  {
    userId: { type: String, required: true },
    status: { type: String, required: true, enum: [...LIVE, "cancelled"], default: "created" },
    expiresAt: { type: Date },
    ticket: { type: mongoose.Schema.Types.ObjectId, ref: "Ticket" },
  },
  options,
);
orderSchema.index({ ticket: 1, status: 1 });

export const Ticket = mongoose.model("Ticket", ticketSchema);
export const Order = mongoose.model("Order", orderSchema);
