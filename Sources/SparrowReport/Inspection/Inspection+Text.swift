import Foundation

extension Inspection {
  /// The model in plain text; `byLayer` adds a table of all weights.
  public func text(byLayer: Bool = false) -> String {
    var text = model + "\n\n"
    for (name, value) in summary { text += pad(name, 14) + value + "\n" }
    text += "\n" + storageTable.text + "\n" + operatorLine
    if byLayer { text += "\n" + layerTable.text }
    return text
  }

  /// The facts of the whole model, one a line.
  var summary: [(name: String, value: String)] {
    var lines: [(String, String)] = []
    for port in inputs { lines.append(("input", "\(port.name): \(port.type)")) }
    for port in outputs { lines.append(("output", "\(port.name): \(port.type)")) }
    lines.append(("parameters", Quantity.count(totals.parameters)))
    lines.append(
      (
        "weights",
        "\(Quantity.count(totals.weights)) in \(layers.count) layers, "
          + "\(Quantity.count(totals.nonzeros)) nonzero"
      ))
    lines.append(("sparsity", Quantity.percent(totals.sparsity) + " of the weights are zero"))
    lines.append(
      (
        "size",
        Quantity.bytes(totals.storedBytes) + " of parameters as stored, "
          + Quantity.bytes(totals.denseBytes) + " dense"
      ))
    lines.append(("multiply-adds", workText))
    if let realised = totals.realisedMultiplyAdds, let samples = totals.samples {
      let part = Double(realised) / Double(max(1, totals.multiplyAdds ?? 0))
      lines.append(
        (
          "realised",
          "\(Quantity.work(realised)), \(Quantity.percent(part)) of dense, on channels that gates leave "
            + "open: mean of \(samples) samples"
        ))
    }
    return lines
  }

  private var workText: String {
    guard let dense = totals.multiplyAdds, let sparse = totals.nonzeroMultiplyAdds,
      let shapes = totals.inputShapes
    else { return "unknown: an input shape is open; give it with --input-shapes" }
    var text = Quantity.work(dense) + " dense, " + Quantity.work(sparse) + " on nonzeros"
    if let speedup = totals.theoreticalSpeedup, speedup > 1 {
      text += " (at most \(Quantity.fixed(speedup, 1))x faster)"
    }
    return text + " for input " + shapes.map { Quantity.shape($0) }.joined(separator: ", ")
  }

  private var operatorLine: String {
    "operators     " + operators.map { "\($0.op) \($0.nodes)" }.joined(separator: ", ") + "\n"
  }

  private var storageTable: TextTable {
    var table = TextTable([.text("storage"), .number("tensors"), .number("bytes")])
    for entry in storage {
      table.add([entry.storage, String(entry.tensors), Quantity.bytes(entry.bytes)])
    }
    return table
  }

  private var layerTable: TextTable {
    let isRealised = totals.samples != nil
    var table = TextTable(
      [
        .text("weight"), .text("op"), .text("shape"), .number("weights"), .number("zeros"),
        .number("MACs"), .number("on nonzeros"),
      ] + (isRealised ? [.number("realised")] : [])
        + [.text("storage"), .number("stored"), .text("note")])
    for layer in layers {
      table.add(
        [
          layer.name, layer.kind == "depthwise" ? layer.op + " depthwise" : layer.op,
          Quantity.shape(layer.shape), Quantity.count(layer.weights),
          Quantity.percent(layer.sparsity), Quantity.work(layer.multiplyAdds),
          Quantity.work(layer.nonzeroMultiplyAdds),
        ] + (isRealised ? [Quantity.work(layer.realisedMultiplyAdds)] : [])
          + [layer.storage, Quantity.bytes(layer.bytes), layer.note])
    }
    return table
  }

  private func pad(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(1, width - text.count))
  }
}

extension Encodable {
  /// JSON text, keys sorted: equal values give equal bytes.
  func sortedJSON() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
  }
}

extension Inspection {
  /// The inspection as JSON text; Schemas/inspection.schema.json describes it.
  public func json() throws -> String { try sortedJSON() }
}
