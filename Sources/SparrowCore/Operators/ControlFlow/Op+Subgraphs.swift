extension Op {
  /// The graphs the operator holds, in the order of its attributes.
  public var subgraphs: [Subgraph] {
    switch self {
    case .if(let op): [op.thenBranch, op.elseBranch]
    case .loop(let op): [op.body]
    case .scan(let op): [op.body]
    default: []
    }
  }

  /// Whether the operator runs subgraphs.
  public var isControlFlow: Bool {
    switch self {
    case .if, .loop, .scan: true
    default: false
    }
  }

  /// Whether the operator runs its subgraphs again and again.
  public var repeatsSubgraphs: Bool {
    switch self {
    case .loop, .scan: true
    default: false
    }
  }

  /// Changes the graphs the operator holds. Their inputs and outputs must stay as they are in number
  /// and meaning.
  public mutating func mapSubgraphs<E: Error>(
    _ change: (inout Subgraph) throws(E) -> Void
  ) throws(E) {
    switch self {
    case .if(var op):
      try change(&op.thenBranch)
      try change(&op.elseBranch)
      self = .if(op)
    case .loop(var op):
      try change(&op.body)
      self = .loop(op)
    case .scan(var op):
      try change(&op.body)
      self = .scan(op)
    default: break
    }
  }
}
