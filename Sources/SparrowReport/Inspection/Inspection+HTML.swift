extension Inspection {
  /// A self-contained HTML page: summary, weights with their sparsity, storage, operators.
  public func html() -> String {
    var page = HTMLPage(title: model)
    page.facts(summary)
    page.heading("Weights")
    page.table(caption: "Every weight in execution order", layerColumns, layerRows)
    page.heading("Storage")
    page.table(
      caption: "How parameters are kept",
      [.text("storage"), .number("tensors"), .number("bytes")],
      storage.map { entry in
        let part = Double(entry.bytes) / Double(max(1, totals.storedBytes))
        return [
          HTMLPage.Cell(entry.storage), HTMLPage.Cell(String(entry.tensors)),
          HTMLPage.Cell(Quantity.bytes(entry.bytes), fraction: part),
        ]
      })
    page.heading("Operators")
    let most = Double(operators.first?.nodes ?? 1)
    page.table(
      caption: "Nodes of each operator", [.text("operator"), .number("nodes")],
      operators.map { entry in
        let part = Double(entry.nodes) / most
        return [HTMLPage.Cell(entry.op), HTMLPage.Cell(String(entry.nodes), fraction: part)]
      })
    return page.text
  }

  private var layerColumns: [TextTable.Column] {
    [
      .text("weight"), .text("operator"), .text("shape"), .number("weights"), .number("zeros"),
      .number("multiply-adds"), .number("on nonzeros"),
    ] + (totals.samples == nil ? [] : [.number("realised")])
      + [.text("storage"), .number("stored"), .text("note")]
  }

  private var layerRows: [[HTMLPage.Cell]] {
    let mostWork = Double(max(1, layers.reduce(0) { max($0, $1.multiplyAdds ?? 0) }))
    return layers.map { layer in
      [
        HTMLPage.Cell(layer.name), HTMLPage.Cell(layer.op),
        HTMLPage.Cell(Quantity.shape(layer.shape)),
        HTMLPage.Cell(Quantity.count(layer.weights)),
        HTMLPage.Cell(Quantity.percent(layer.sparsity), fraction: layer.sparsity),
        HTMLPage.Cell(
          Quantity.work(layer.multiplyAdds),
          fraction: layer.multiplyAdds.map { Double($0) / mostWork }),
        HTMLPage.Cell(Quantity.work(layer.nonzeroMultiplyAdds)),
      ]
        + (totals.samples == nil
          ? [] : [HTMLPage.Cell(Quantity.work(layer.realisedMultiplyAdds))])
        + [
          HTMLPage.Cell(layer.storage), HTMLPage.Cell(Quantity.bytes(layer.bytes)),
          HTMLPage.Cell(layer.note),
        ]
    }
  }
}
