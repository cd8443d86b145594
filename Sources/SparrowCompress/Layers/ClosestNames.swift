/// The names most like a mistyped one, for messages.
package enum ClosestNames {
  /// At most `limit` of `names`, nearest first, wildcards of `name` left out of the comparison.
  package static func of(_ name: String, among names: [String], limit: Int = 3) -> [String] {
    let wanted = name.filter { !"*?[]!".contains($0) }
    let ranked = names.enumerated().map { (i, candidate) in
      let contained = !wanted.isEmpty && candidate.contains(wanted)
      return (distance: contained ? 0 : distance(wanted, candidate), index: i)
    }
    return ranked.sorted { ($0.distance, $0.index) < ($1.distance, $1.index) }
      .prefix(limit).map { "'\(names[$0.index])'" }
  }

  /// Levenshtein's edit distance; names beyond 200 characters are compared by their beginning.
  private static func distance(_ a: String, _ b: String) -> Int {
    let (a, b) = (Array(a.utf8.prefix(200)), Array(b.utf8.prefix(200)))
    var row = Array(0...b.count)
    for i in a.indices {
      var diagonal = row[0]
      row[0] = i + 1
      for j in b.indices {
        let replaced = diagonal + (a[i] == b[j] ? 0 : 1)
        diagonal = row[j + 1]
        row[j + 1] = min(replaced, min(row[j], row[j + 1]) + 1)
      }
    }
    return row[b.count]
  }
}
