import SparrowArchitectures
import SparrowCore

extension Graph {
  /// The name of a new head's weight, where it is free; its bias is `head.bias`.
  static let headName = "head"

  /// Puts a fresh linear layer in the place of everything after the features that it reads; a softmax
  /// at the end of the network stays. The new scores, under the name of the first output, are the only
  /// output. Weights and biases are drawn from the seed as
  /// ``SparrowArchitectures/NetworkBuilder/linear(_:_:outputs:_:)`` does.
  ///
  /// Returns the name of the new weight, `[classes, features]`. Throws where the features are not found
  /// or are no float32 rows or images of known width.
  public mutating func replaceHead(
    _ settings: HeadSettings, seed: UInt64
  ) throws(TrainError) -> String {
    try settings.check()
    let features =
      if let name = settings.features { try value(named: name) } else {
        try lastLinearLayer().features
      }
    let end = finalSoftmax
    let outputName = outputs.first.map { self[$0].name } ?? "scores"
    outputs = [features]
    removeDeadNodes()
    removeUnusedValues()
    do throws(GraphError) {
      try inferTypes()
      return try appendHead(outputs[0], settings.classes, seed, end, outputName)
    } catch {
      throw .network(error.message)
    }
  }

  private mutating func appendHead(
    _ features: ValueID, _ classes: Int, _ seed: UInt64, _ end: Op?, _ outputName: String
  ) throws(GraphError) -> String {
    let rows = try featureRows(features)
    guard let width = self[rows].type?.dimensions?.last?.value, width > 0,
      !width.multipliedReportingOverflow(by: classes * MemoryLayout<Float>.size).overflow
    else {
      throw .invalid(
        "the features '\(self[features].name)' are \(self[features].type?.text ?? "of unknown type"), "
          + "expected a known width: the head's weight depends on it")
    }
    let weight = unusedName(Self.headName + ".weight")
    let bias = unusedName(Self.headName + ".bias")
    let bound = 1 / Double(width).squareRoot()
    let parameters = [
      addConstant(
        weight,
        LinearForm().weight.tensor([classes, width], name: weight, seed: seed)),
      addConstant(
        bias, Initialization.uniform(bound: bound).tensor([classes], name: bias, seed: seed)),
    ]
    let last = unusedName(outputName)
    let scores = try add(
      .gemm(Gemm(transposesB: true)), [rows] + parameters.map { $0 }, name: Self.headName,
      outputs: [end == nil ? last : unusedName(Self.headName)])[0]
    if let end {
      outputs = [try add(end, [scores], name: last)]
    } else {
      outputs = [scores]
    }
    return weight
  }

  /// Features as rows: the mean of images over height and width.
  private mutating func featureRows(_ features: ValueID) throws(GraphError) -> ValueID {
    let type = self[features].type
    let dimensions = type?.dimensions ?? []
    guard type?.dtype == .float32, dimensions.count == 2 || dimensions.count == 4 else {
      throw .invalid(
        "the features '\(self[features].name)' are \(type?.text ?? "of unknown type"), expected "
          + "float32 [N, features] or [N, features, H, W]: name others")
    }
    guard dimensions.count == 4 else { return features }
    var x = features
    if dimensions[2...].contains(where: { $0.value != 1 }) {
      x = try add(.globalPool(GlobalPool(.average)), [x], name: unusedName(Self.headName + ".pool"))
    }
    return try add(.flatten(Flatten()), [x], name: unusedName(Self.headName + ".flatten"))
  }

  /// A softmax over the classes that makes the first output.
  private var finalSoftmax: Op? {
    guard let output = outputs.first, let maker = producers()[output.index],
      case .softmax(var op) = nodes[maker].op, let rank = self[output].type?.dimensions?.count,
      op.axis == 1 || op.axis == 1 - rank
    else { return nil }
    op.axis = 1
    return .softmax(op)
  }

  private func value(named name: String) throws(TrainError) -> ValueID {
    let own = values.indices.first { values[$0].name == name }.map { ValueID($0) }
    let made = nodes.first { $0.name == name }?.outputs.first
    guard let found = own ?? made, self[found].constant == nil else {
      throw .setting(
        "there are no features '\(name)': no node and no value that is computed has this name "
          + "(sparrow inspect --by-layer shows them)")
    }
    return found
  }

  /// The last layer that is linear on the way to the first output, by its node, and what it reads.
  ///
  /// Throws where there is none, or another branch comes in after it.
  func lastLinearLayer() throws(TrainError) -> (node: Int, features: ValueID) {
    let producers = producers()
    guard var value = outputs.first else { throw .network("the network has no output") }
    while let index = producers[value.index] {
      let node = nodes[index]
      if let features = linearInput(of: node) { return (index, features) }
      var data = node.inputs.compactMap { $0 }.filter { self[$0].constant == nil }
      if case .reshape = node.op { data = Array(data.prefix(1)) }
      guard data.count == 1, let next = data.first else {
        throw .network(
          "\(node.label) joins \(data.count) values after the last linear layer: name the features that "
            + "a new head reads")
      }
      value = next
    }
    throw .network("the network has no linear layer on the way to its first output")
  }

  /// What a linear layer of a constant weight reads; nil for other nodes.
  private func linearInput(of node: Node) -> ValueID? {
    guard let weight = node.input(1), self[weight].constant != nil, let data = node.input(0),
      self[data].constant == nil
    else { return nil }
    switch node.op {
    case .conv, .matMul: return data
    case .gemm(let op): return op.transposesA ? nil : data
    default: return nil
    }
  }
}
