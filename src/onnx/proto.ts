import protobuf from "protobufjs/light.js";

// The messages of onnx.proto3 that this project writes, with their field numbers (github.com/onnx/onnx, onnx/onnx.proto).
const field = (type: string, id: number, rule?: "repeated"): protobuf.IField =>
  rule ? { type, id, rule } : { type, id };

const root = protobuf.Root.fromJSON({
  nested: {
    ModelProto: {
      fields: {
        irVersion: field("int64", 1),
        producerName: field("string", 2),
        graph: field("GraphProto", 7),
        opsetImport: field("OperatorSetIdProto", 8, "repeated"),
      },
    },
    OperatorSetIdProto: { fields: { domain: field("string", 1), version: field("int64", 2) } },
    GraphProto: {
      fields: {
        node: field("NodeProto", 1, "repeated"),
        name: field("string", 2),
        initializer: field("TensorProto", 5, "repeated"),
        input: field("ValueInfoProto", 11, "repeated"),
        output: field("ValueInfoProto", 12, "repeated"),
      },
    },
    NodeProto: {
      fields: {
        input: field("string", 1, "repeated"),
        output: field("string", 2, "repeated"),
        name: field("string", 3),
        opType: field("string", 4),
        attribute: field("AttributeProto", 5, "repeated"),
        domain: field("string", 7),
      },
    },
    AttributeProto: {
      fields: {
        name: field("string", 1),
        f: field("float", 2),
        i: field("int64", 3),
        s: field("bytes", 4),
        g: field("GraphProto", 6),
        ints: field("int64", 8, "repeated"),
        type: field("int32", 20),
      },
    },
    TensorProto: {
      fields: {
        dims: field("int64", 1, "repeated"),
        dataType: field("int32", 2),
        name: field("string", 8),
        rawData: field("bytes", 9),
        externalData: field("StringStringEntryProto", 13, "repeated"),
        dataLocation: field("int32", 14),
      },
    },
    StringStringEntryProto: { fields: { key: field("string", 1), value: field("string", 2) } },
    ValueInfoProto: { fields: { name: field("string", 1), type: field("TypeProto", 2) } },
    TypeProto: { fields: { tensorType: field("TensorTypeProto", 1) } },
    TensorTypeProto: { fields: { elemType: field("int32", 1), shape: field("TensorShapeProto", 2) } },
    TensorShapeProto: { fields: { dim: field("DimensionProto", 1, "repeated") } },
    DimensionProto: { fields: { dimValue: field("int64", 1), dimParam: field("string", 2) } },
  },
});

const modelProto = root.lookupType("ModelProto");

/** TensorProto.DataType of the element types in use. */
const elementType = { float32: 1, uint8: 2, int8: 3, int64: 7, bool: 9, float16: 10 } as const;
export type DataType = keyof typeof elementType;

/** An attribute's value; a whole `number` is written as INT, `{ float }` as FLOAT, an array as INTS. */
export type Attribute =
  | number
  | readonly number[]
  | string
  | { readonly float: number }
  | { readonly graph: GraphMessage };

export interface NodeMessage {
  readonly opType: string;
  readonly domain: string;
  readonly name: string;
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

export interface InitializerMessage {
  readonly name: string;
  readonly type: DataType;
  readonly dims: readonly number[];
  /** Little-endian numbers, or where they lie in a file beside the model. */
  readonly data: Uint8Array | { readonly location: string; readonly offset: number; readonly length: number };
}

export interface ValueMessage {
  readonly name: string;
  readonly type: DataType;
  /** Undefined: nothing is said of it. */
  readonly shape?: readonly (number | string)[] | undefined;
}

export interface GraphMessage {
  readonly name: string;
  readonly nodes: readonly NodeMessage[];
  readonly initializers: readonly InitializerMessage[];
  readonly inputs: readonly ValueMessage[];
  readonly outputs: readonly ValueMessage[];
}

export interface ModelMessage extends GraphMessage {
  readonly irVersion: number;
  readonly opsets: Readonly<Record<string, number>>;
}

/** A model's bytes, as ONNX Runtime reads them. */
export function encodeModel(model: ModelMessage): Uint8Array {
  const message = {
    irVersion: model.irVersion,
    producerName: "l2p-edge",
    opsetImport: Object.entries(model.opsets).map(([domain, version]) => ({ domain, version })),
    graph: graphOf(model),
  };
  return modelProto.encode(message).finish();
}

function graphOf({ name, nodes, initializers, inputs, outputs }: GraphMessage): object {
  return {
    name,
    node: nodes.map((node) => ({
      input: node.input,
      output: node.output,
      name: node.name,
      opType: node.opType,
      domain: node.domain,
      attribute: Object.entries(node.attributes).map(([key, value]) => attribute(key, value)),
    })),
    initializer: initializers.map(initializer),
    input: inputs.map(valueInfo),
    output: outputs.map(valueInfo),
  };
}

// AttributeProto.AttributeType: FLOAT 1, INT 2, STRING 3, GRAPH 5, INTS 7.
function attribute(name: string, value: Attribute): object {
  if (typeof value === "number") return { name, type: 2, i: value };
  if (typeof value === "string") return { name, type: 3, s: new TextEncoder().encode(value) };
  if ("float" in value) return { name, type: 1, f: value.float };
  if ("graph" in value) return { name, type: 5, g: graphOf(value.graph) };
  return { name, type: 7, ints: value };
}

function initializer({ name, type, dims, data }: InitializerMessage): object {
  const header = { name, dims, dataType: elementType[type] };
  if (data instanceof Uint8Array) return { ...header, rawData: data };
  // TensorProto.DataLocation: EXTERNAL 1.
  const externalData = Object.entries(data).map(([key, value]) => ({ key, value: String(value) }));
  return { ...header, dataLocation: 1, externalData };
}

function valueInfo({ name, type, shape }: ValueMessage): object {
  const dim = shape?.map((d) => (typeof d === "number" ? { dimValue: d } : { dimParam: d }));
  return { name, type: { tensorType: { elemType: elementType[type], ...(dim && { shape: { dim } }) } } };
}
