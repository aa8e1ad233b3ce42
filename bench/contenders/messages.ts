/** The messages of all contenders: plain objects, whole, so that every library can take them as they are. */

export const small = { text: "eighteen character" };

const titles = ["Teapot, cast iron, 0.8 l", "Set of six cups, hand-thrown", "Oolong, spring harvest, 250 g"];

export const order = {
  id: "order-2f9a6c1e-77d0-4b7e-9f0e-4a4c8c1d5b10",
  customer: {
    name: "Augusta Ada King",
    email: "ada@analytical-engine.example",
    address: { street: "12 St James's Square", city: "London", country: "United Kingdom" },
  },
  items: Array.from({ length: 9 }, (_, i) => ({
    sku: `SKU-${1000 + i * 37}-${"ABC"[i % 3]}`,
    title: titles[i % titles.length]!,
    quantity: i + 1,
    price: 19.95 + i * 3.5,
  })),
  labels: {
    channel: "web",
    campaign: "autumn-2026",
    warehouse: "rotterdam-2",
    "gift-wrap": "paper, green",
    "delivery-window": "08:00-12:00",
    "trace-id": "9b2d1f7e4c3a48d0a6f5e7c8b9d0e1f2",
  },
  paid: true,
};

export const chunk = { data: new Uint8Array(64 * 1024).fill(7) };

export const strings = { values: Array.from({ length: 56 }, (_, i) => `string ${i}`) };

export const numbers = {
  integers: Array.from({ length: 64 }, (_, i) => i * i * 31 - 1000),
  doubles: Array.from({ length: 64 }, (_, i) => Math.sqrt(i)),
  flags: Array.from({ length: 64 }, (_, i) => i % 2),
};

/** Milliseconds; far enough that it never fires. */
export const deadlineMs = 60_000;

/** What a call with metadata sends: as much as an application with a token and tracing does. */
export const metadata = { authorization: "Bearer 0123456789abcdef0123456789abcdef", "x-request-id": "7f3c2a90" };
