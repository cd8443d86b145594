/// A table in plain text: columns as wide as their widest cell, numbers to the right.
struct TextTable {
  struct Column {
    var title: String
    var isNumeric: Bool
  }

  let columns: [Column]
  private(set) var rows: [[String]] = []

  init(_ columns: [Column]) { self.columns = columns }

  mutating func add(_ row: [String]) {
    precondition(row.count == columns.count)
    rows.append(row)
  }

  var text: String {
    let widths = columns.indices.map { i in
      rows.reduce(columns[i].title.count) { max($0, $1[i].count) }
    }
    let rule = widths.map { String(repeating: "-", count: $0) }
    return ([columns.map { $0.title }, rule] + rows).map { line in
      var text = ""
      for (i, cell) in line.enumerated() {
        let padding = String(repeating: " ", count: widths[i] - cell.count)
        text += (i == 0 ? "" : "  ") + (columns[i].isNumeric ? padding + cell : cell + padding)
      }
      while text.last == " " { text.removeLast() }
      return text + "\n"
    }.joined()
  }
}

extension TextTable.Column {
  static func text(_ title: String) -> Self { Self(title: title, isNumeric: false) }
  static func number(_ title: String) -> Self { Self(title: title, isNumeric: true) }
}
