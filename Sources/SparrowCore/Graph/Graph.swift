/// A network from import to execution: typed values, and nodes in an order that can be executed.
///
/// A value is a graph input, a constant, or the output of one node. Values are referred to by
/// ``ValueID``, their index in ``values``; removing nodes leaves values unused until
/// ``removeUnusedValues()``.
public struct Graph: Sendable {
  public var name: String
  public var values: [Value] = []
  /// Each node comes after the nodes whose outputs it reads.
  public var nodes: [Node] = []
  public var inputs: [ValueID] = []
  public var outputs: [ValueID] = []
  /// Free text by key that travels with the model: producer, description, class names.
  public var metadata: [MetadataEntry] = []

  public init(name: String = "") { self.name = name }

  public subscript(_ id: ValueID) -> Value {
    get { values[id.index] }
    set { values[id.index] = newValue }
  }
}

/// One entry of a graph's metadata.
public struct MetadataEntry: Hashable, Sendable {
  public var key: String
  public var value: String
  public init(key: String, value: String) { (self.key, self.value) = (key, value) }
}

/// A value's index in its graph.
public struct ValueID: Hashable, Sendable {
  public var index: Int
  public init(_ index: Int) { self.index = index }
}

/// Something a node reads or writes.
public struct Value: Sendable {
  /// Unique in its graph.
  public var name: String
  /// nil until it is inferred.
  public var type: TensorType?
  /// The tensor of a weight or other constant.
  public var constant: Tensor?

  public init(name: String, type: TensorType? = nil, constant: Tensor? = nil) {
    (self.name, self.type, self.constant) = (name, type, constant)
  }
}

/// One application of an operator.
public struct Node: Sendable {
  /// For messages and reports; need not be unique.
  public var name: String
  public var op: Op
  /// nil where an optional input is left out. No trailing nils.
  public var inputs: [ValueID?]
  public var outputs: [ValueID]

  public init(name: String, op: Op, inputs: [ValueID?], outputs: [ValueID]) {
    (self.name, self.op, self.inputs, self.outputs) = (name, op, inputs, outputs)
  }

  /// Input `i`; nil where it is left out or beyond the last.
  public func input(_ i: Int) -> ValueID? { i < inputs.count ? inputs[i] : nil }

  /// The op name and the node's own, for messages: `Conv 'layer1.0'`.
  public var label: String { name.isEmpty ? op.name : "\(op.name) '\(name)'" }
}

/// A graph that breaks a rule, or an edit that would.
public enum GraphError: Error, Equatable {
  /// A node's types contradict each other.
  case inference(node: String, reason: String)
  /// The graph's structure is broken.
  case invalid(String)

  public var message: String {
    switch self {
    case .inference(let node, let reason): "\(node): \(reason)"
    case .invalid(let reason): reason
    }
  }
}
