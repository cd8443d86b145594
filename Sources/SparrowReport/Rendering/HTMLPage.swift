/// A page in one file: no scripts, nothing loaded, readable in light and dark.
struct HTMLPage {
  private var body = ""
  let title: String

  init(title: String) { self.title = title }

  mutating func heading(_ text: String) { body += "<h2>\(Self.escaped(text))</h2>\n" }

  /// Names and values, as a definition list.
  mutating func facts(_ facts: [(name: String, value: String)]) {
    body += "<dl>\n"
    for (name, value) in facts {
      body += "<dt>\(Self.escaped(name))</dt><dd>\(Self.escaped(value))</dd>\n"
    }
    body += "</dl>\n"
  }

  /// A table whose first column names its rows; a bar shows a cell's fraction of a whole.
  mutating func table(caption: String, _ columns: [TextTable.Column], _ rows: [[Cell]]) {
    body +=
      "<div class=\"scroll\" tabindex=\"0\" role=\"region\""
      + " aria-label=\"\(Self.escaped(caption))\">\n<table>\n"
      + "<caption>\(Self.escaped(caption))</caption>\n<thead><tr>"
    for column in columns {
      let type = column.isNumeric ? " class=\"n\"" : ""
      body += "<th scope=\"col\"\(type)>\(Self.escaped(column.title))</th>"
    }
    body += "</tr></thead>\n<tbody>\n"
    for row in rows {
      body += "<tr>"
      for (i, cell) in row.enumerated() { body += html(of: cell, columns[i], isHeader: i == 0) }
      body += "</tr>\n"
    }
    body += "</tbody>\n</table>\n</div>\n"
  }

  struct Cell {
    var text: String
    /// From 0 to 1: drawn as a bar behind the text.
    var fraction: Double?

    init(_ text: String, fraction: Double? = nil) { (self.text, self.fraction) = (text, fraction) }
  }

  private func html(of cell: Cell, _ column: TextTable.Column, isHeader: Bool) -> String {
    let text = Self.escaped(cell.text)
    if isHeader { return "<th scope=\"row\">\(text)</th>" }
    var classes = column.isNumeric ? ["n"] : []
    var style = ""
    if let fraction = cell.fraction {
      classes.append("bar")
      style = " style=\"--part:\(Quantity.fixed(100 * min(1, max(0, fraction)), 1))%\""
    }
    let type = classes.isEmpty ? "" : " class=\"\(classes.joined(separator: " "))\""
    return "<td\(type)\(style)>\(text)</td>"
  }

  var text: String {
    """
    <!DOCTYPE html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>\(Self.escaped(title))</title>
    <style>
    \(Self.style)
    </style>
    </head>
    <body>
    <main>
    <h1>\(Self.escaped(title))</h1>
    \(body)</main>
    </body>
    </html>

    """
  }

  static func escaped(_ text: String) -> String {
    var result = ""
    for character in text {
      switch character {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      default: result.append(character)
      }
    }
    return result
  }

  private static let style = """
    :root { color-scheme: light dark; --fg: #1b1f24; --bg: #ffffff; --line: #d0d7de;
      --quiet: #57606a; --bar: #cfe3ff; }
    @media (prefers-color-scheme: dark) {
      :root { --fg: #e6edf3; --bg: #0d1117; --line: #30363d; --quiet: #9da7b1; --bar: #1f3d68; }
    }
    body { margin: 0; background: var(--bg); color: var(--fg);
      font: 15px/1.5 system-ui, sans-serif; }
    main { max-width: 78rem; margin: 0 auto; padding: 1.5rem; }
    h1 { font-size: 1.4rem; overflow-wrap: anywhere; }
    h2 { font-size: 1.1rem; margin-top: 2rem; }
    dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1.5rem; }
    dt { color: var(--quiet); } dd { margin: 0; overflow-wrap: anywhere; }
    .scroll { overflow-x: auto; }
    table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
    caption { text-align: left; color: var(--quiet); padding-bottom: .4rem; }
    th, td { padding: .25rem .7rem; border-bottom: 1px solid var(--line); text-align: left;
      white-space: nowrap; }
    tbody th { font-weight: 500; }
    .n { text-align: right; }
    .bar { background: linear-gradient(to right, var(--bar) var(--part), transparent var(--part)); }
    """
}
