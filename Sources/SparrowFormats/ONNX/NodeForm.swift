import SparrowCore

/// A node on its way from the file's operator set to the canonical form: lifts rewrite it until an
/// ``Op`` can be made of it.
struct NodeForm {
  let message: NodeMessage
  /// Of the node's domain.
  let opset: Int
  var opType: String
  var domain: String
  var inputs: [ValueID?]
  /// Trailing outputs that nobody reads are left out.
  var outputs: [String]
  var attributes: [String: AttributeMessage]
  /// Outputs, by name, that lifts have made already.
  var made: [(name: String, id: ValueID)] = []
  /// Set by lifts that fix an attribute which no file states.
  var adjustment: (@Sendable (inout Op) -> Void)?

  init(
    _ message: NodeMessage, opset: Int, inputs: [ValueID?], outputs: [String]
  ) throws(FormatError) {
    (self.message, self.opset, self.inputs, self.outputs) = (message, opset, inputs, outputs)
    (opType, domain) = (message.opType, message.domain)
    attributes = [:]
    for attribute in message.attributes {
      if attribute.isReference {
        throw malformed(
          "attribute '\(attribute.name)' refers to one of a function, and there is no function "
            + "around it", attribute)
      }
      guard attributes.updateValue(attribute, forKey: attribute.name) == nil else {
        throw malformed("attribute '\(attribute.name)' occurs twice", attribute)
      }
    }
  }

  var source: WireSource { message.wire.source }
  var label: String { message.label }

  /// Input `i`; nil where it is left out.
  func input(_ i: Int) -> ValueID? { i < inputs.count ? inputs[i] : nil }

  func requiredInput(_ i: Int) throws(FormatError) -> ValueID {
    guard let id = input(i) else { throw malformed("input \(i) is missing") }
    return id
  }

  /// Sets input `i`, leaving out those between.
  mutating func setInput(_ i: Int, _ id: ValueID) {
    while inputs.count <= i { inputs.append(nil) }
    inputs[i] = id
  }

  func malformed(_ reason: String, _ attribute: AttributeMessage? = nil) -> FormatError {
    source.malformed(attribute?.wire.offset ?? message.wire.offset, "\(label): \(reason)")
  }

  func unsupported(_ reason: String) -> FormatError {
    source.unsupported(message.wire.offset, "\(label): \(reason)")
  }

  func require(
    _ attribute: AttributeMessage, _ kind: AttributeMessage.Kind
  ) throws(FormatError) {
    // An empty list has no field to tell its kind by in files without attribute types.
    if attribute.kind == nil, kind == .ints || kind == .floats { return }
    guard attribute.kind == kind else {
      let found = attribute.kind?.text ?? "nothing"
      throw malformed(
        "attribute '\(attribute.name)' is \(found), expected \(kind.text)", attribute)
    }
  }

  /// Removes an attribute of one kind from the node; nil where it is absent.
  mutating func take(
    _ key: String, _ kind: AttributeMessage.Kind
  ) throws(FormatError) -> AttributeMessage? {
    guard let attribute = attributes.removeValue(forKey: key) else { return nil }
    try require(attribute, kind)
    return attribute
  }
}
