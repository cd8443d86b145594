extension Comparison {
  /// The comparison in plain text; `byLayer` adds a table of all common weights.
  public func text(byLayer: Bool = false) -> String {
    var text = "first   \(firstModel)\nsecond  \(secondModel)\n\n"
    var table = TextTable([.text(""), .number("first"), .number("second"), .number("ratio")])
    for row in summary { table.add([row.name, row.first, row.second, row.ratio]) }
    text += table.text + "\n" + changesLine + correlationLine
    for (place, names) in [("first", onlyInFirst), ("second", onlyInSecond)] where !names.isEmpty {
      text += "only in the \(place): \(names.joined(separator: ", "))\n"
    }
    if byLayer { text += "\n" + layerTable.text }
    return text
  }

  /// A self-contained HTML page.
  public func html() -> String {
    var page = HTMLPage(title: "\(firstModel) and \(secondModel)")
    page.table(
      caption: "Both models", [.text(""), .number("first"), .number("second"), .number("ratio")],
      summary.map { row in [row.name, row.first, row.second, row.ratio].map { HTMLPage.Cell($0) } })
    if let value = correlation.value {
      page.facts([("R_\(correlation.fraction)", Quantity.fixed(value, 3))])
    }
    page.facts(
      [("only in the first", onlyInFirst), ("only in the second", onlyInSecond)]
        .filter { !$0.1.isEmpty }.map { ($0.0, $0.1.joined(separator: ", ")) })
    page.heading("Weights")
    let table = layerTable
    let rows = zip(table.rows, layers).map { row, layer in
      row.enumerated().map { i, text in
        let part = i == 2 ? layer.firstSparsity : i == 3 ? layer.secondSparsity : nil
        return HTMLPage.Cell(text, fraction: part)
      }
    }
    page.table(caption: "Weights of both models", table.columns, rows)
    return page.text
  }

  /// The comparison as JSON text.
  public func json() throws -> String { try sortedJSON() }

  private var changesLine: String {
    let changed = layers.reduce(0) { $0 + $1.changed }
    let total = layers.reduce(0) { $0 + $1.weights }
    let largest = layers.reduce(0) { max($0, $1.largestDifference ?? 0) }
    return "\(Quantity.count(changed)) of \(Quantity.count(total)) common weights differ, "
      + "by at most \(Quantity.difference(largest))\n"
  }

  private var correlationLine: String {
    guard let value = correlation.value else { return "" }
    let percent = Quantity.percent(correlation.fraction)
    return
      "R_\(correlation.fraction) is \(Quantity.fixed(value, 3)): so much of the largest \(percent) of each "
      + "common weight stands at the same places (\(Quantity.fixed(correlation.fraction, 3)) by chance)\n"
  }

  private var summary: [(name: String, first: String, second: String, ratio: String)] {
    func ratio(_ a: Int?, _ b: Int?) -> String {
      guard let a, let b, a > 0 else { return "-" }
      return Quantity.fixed(Double(b) / Double(a), 3)
    }
    func row(
      _ name: String, _ format: (Int) -> String, _ fact: (ModelTotals) -> Int?
    ) -> (name: String, first: String, second: String, ratio: String) {
      let (a, b) = (fact(first), fact(second))
      return (name, a.map(format) ?? "-", b.map(format) ?? "-", ratio(a, b))
    }
    return [
      row("nodes", Quantity.count) { $0.nodes },
      row("parameters", Quantity.count) { $0.parameters },
      row("weights", Quantity.count) { $0.weights },
      row("nonzeros", Quantity.count) { $0.nonzeros },
      ("sparsity", Quantity.percent(first.sparsity), Quantity.percent(second.sparsity), "-"),
      row("stored", Quantity.bytes) { $0.storedBytes },
      row("multiply-adds", { Quantity.work($0) }) { $0.multiplyAdds },
      row("on nonzeros", { Quantity.work($0) }) { $0.nonzeroMultiplyAdds },
    ]
  }

  private var layerTable: TextTable {
    var table = TextTable([
      .text("weight"), .text("shape"), .number("zeros, first"), .number("zeros, second"),
      .number("stored, first"), .number("stored, second"), .number("changed"),
      .number("largest difference"), .number("R_\(correlation.fraction)"),
    ])
    for layer in layers {
      table.add([
        layer.name, Quantity.shape(layer.shape), Quantity.percent(layer.firstSparsity),
        Quantity.percent(layer.secondSparsity), Quantity.bytes(layer.firstBytes),
        Quantity.bytes(layer.secondBytes), Quantity.count(layer.changed),
        layer.largestDifference.map { Quantity.difference($0) } ?? "not a number",
        layer.correlation.map { Quantity.fixed($0, 3) } ?? "-",
      ])
    }
    return table
  }
}
