import SparrowCore

/// BERT with a classifier over its pooled first token. (Devlin et al. 2019, BERT, section 3; the small
/// sizes: Turc et al. 2019, Well-Read Students Learn Better, table 1.)
///
/// Parameters are named as in the state dict of Hugging Face's `BertForSequenceClassification`:
/// `bert.embeddings.word_embeddings.weight`, `bert.encoder.layer.0.attention.self.query.weight`, ...,
/// `classifier.weight`. Those of the encoder's linear layers, which take three axes, are what a MatMul
/// reads: `[inputs, outputs]`, the transpose of the state dict's; pooler and classifier are
/// `[outputs, inputs]`. Dropout is no part of the graph. Weights start normal of deviation 0.02, biases
/// at 0, the padding token's embedding at 0.
///
/// Inputs `input_ids`, `attention_mask` (1 for tokens, 0 for padding) and `token_type_ids`, int64
/// `[batch, sequence]`.
struct BERT {
  var layers: Int
  var hidden: Int
  var heads: Int
  var vocabulary = 30_522
  var positions = 512
  /// Tokens of a sequence; nil leaves them open.
  var tokens: Int?

  private static let weight = Initialization.normal(deviation: 0.02)

  func build(
    _ b: inout NetworkBuilder, classes: Int
  ) throws(ArchitectureError) -> ValueID {
    try check(b.architecture)
    let shape: [Dimension] = [
      .symbol("batch"), tokens.map { .known($0) } ?? .symbol("sequence"),
    ]
    let type = TensorType(.int64, shape)
    let ids = b.input("input_ids", type)
    let mask = b.input("attention_mask", type)
    let types = b.input("token_type_ids", type)
    var x = try embeddings(&b, ids, types)
    let bias = try maskBias(&b, mask)
    for i in 0..<layers { x = try layer(&b, "bert.encoder.layer.\(i)", x, bias) }
    let first = try b.add(
      .gather(Gather(axis: 1)), [x, b.scalarIndex("first_token", 0)], "bert.pooler.first")
    let pooled = try b.linear("bert.pooler.dense", first, outputs: hidden, Self.linear)
    let active = try b.nonlinearity("bert.pooler.activation", pooled, .tanh)
    return try b.linear("classifier", active, outputs: classes, Self.linear)
  }

  private static let linear = LinearForm(weight: weight, bias: .constant(0))

  private func check(_ name: String) throws(ArchitectureError) {
    guard layers > 0, hidden > 0, heads > 0, vocabulary > 0, hidden % heads == 0,
      hidden <= 1 << 20, layers <= 1 << 12
    else {
      throw .setting(
        architecture: name,
        reason: "\(layers) layers, hidden width \(hidden), \(heads) heads and a vocabulary of "
          + "\(vocabulary) do not fit, expected positive numbers and a width that heads divide")
    }
    guard let tokens, !(1...positions).contains(tokens) else { return }
    throw .setting(
      architecture: name, reason: "a sequence of \(tokens) tokens, expected 1 to \(positions)")
  }

  /// Word, position and type embeddings together, normalised.
  private func embeddings(
    _ b: inout NetworkBuilder, _ ids: ValueID, _ types: ValueID
  ) throws(ArchitectureError) -> ValueID {
    let name = "bert.embeddings."
    let words = try b.parameter(
      name + "word_embeddings.weight", [vocabulary, hidden],
      .embedding(deviation: 0.02, zeroRow: 0))
    let places = try b.parameter(
      name + "position_embeddings.weight", [positions, hidden], Self.weight)
    let kinds = try b.parameter(name + "token_type_embeddings.weight", [2, hidden], Self.weight)
    let word = try b.add(.gather(Gather()), [words, ids], name + "word_embeddings")
    let kind = try b.add(.gather(Gather()), [kinds, types], name + "token_type_embeddings")
    let length = try sequenceLength(&b, ids, name + "length")
    let (zero, axis) = (b.integers(name + "start", [0]), b.integers(name + "axis", [0]))
    let place = try b.add(
      .slice(Slice()), [places, zero, length, axis], name + "position_embeddings")
    let sum = try b.sum(name + "add", word, kind)
    return try norm(&b, name + "LayerNorm", try b.sum(name + "add", sum, place))
  }

  /// The number of tokens of a sequence, `[1]`: a constant where it is fixed.
  private func sequenceLength(
    _ b: inout NetworkBuilder, _ ids: ValueID, _ name: String
  ) throws(ArchitectureError) -> ValueID {
    if let tokens { return b.integers(name, [Int64(tokens)]) }
    var shape = ShapeOf()
    (shape.start, shape.end) = (1, 2)
    return try b.add(.shapeOf(shape), [ids], name)
  }

  /// 0 for tokens and -10000 for padding, `[batch, 1, 1, sequence]`.
  private func maskBias(
    _ b: inout NetworkBuilder, _ mask: ValueID
  ) throws(ArchitectureError) -> ValueID {
    let axes = b.integers("mask.axes", [1, 2])
    let wide = try b.add(.unsqueeze(Unsqueeze()), [mask, axes], "mask.unsqueeze")
    let number = try b.add(.cast(Cast(to: .float32)), [wide], "mask.cast")
    let rest = try b.add(.binary(Binary(.sub)), [b.scalar(1), number], "mask.sub")
    return try b.add(.binary(Binary(.mul)), [rest, b.scalar(-10_000)], "mask.mul")
  }

  private func layer(
    _ b: inout NetworkBuilder, _ name: String, _ x: ValueID, _ bias: ValueID
  ) throws(ArchitectureError) -> ValueID {
    let mixed = try attention(&b, name + ".attention.self", x, bias)
    var y = try dense(&b, name + ".attention.output.dense", mixed, hidden, hidden)
    y = try b.sum(name + ".attention.output.add", y, x)
    let middle = try norm(&b, name + ".attention.output.LayerNorm", y)
    y = try dense(&b, name + ".intermediate.dense", middle, hidden, 4 * hidden)
    y = try b.nonlinearity(name + ".intermediate.gelu", y, .gelu)
    y = try dense(&b, name + ".output.dense", y, 4 * hidden, hidden)
    y = try b.sum(name + ".output.add", y, middle)
    return try norm(&b, name + ".output.LayerNorm", y)
  }

  /// Softmax(q k' / sqrt(d) + mask) v of every head. (Vaswani et al. 2017, section 3.2.)
  private func attention(
    _ b: inout NetworkBuilder, _ name: String, _ x: ValueID, _ bias: ValueID
  ) throws(ArchitectureError) -> ValueID {
    let query = try headed(&b, name + ".query", x, [0, 2, 1, 3])
    let key = try headed(&b, name + ".key", x, [0, 2, 3, 1])
    let value = try headed(&b, name + ".value", x, [0, 2, 1, 3])
    var scores = try b.add(.matMul(MatMul()), [query, key], name + ".scores")
    let factor = 1 / Float(hidden / heads).squareRoot()
    scores = try b.add(.binary(Binary(.mul)), [scores, b.scalar(factor)], name + ".scale")
    scores = try b.add(.binary(Binary(.add)), [scores, bias], name + ".mask")
    let weights = try b.add(.softmax(Softmax()), [scores], name + ".softmax")
    let mixed = try b.add(.matMul(MatMul()), [weights, value], name + ".mix")
    let back = try b.add(.transpose(Transpose([0, 2, 1, 3])), [mixed], name + ".transpose")
    let shape = b.integers(name + ".shape", [0, 0, Int64(hidden)])
    return try b.add(.reshape(Reshape()), [back, shape], name + ".reshape")
  }

  /// A linear layer cut into heads: `[batch, heads, sequence, d]` in the order of `permutation`.
  private func headed(
    _ b: inout NetworkBuilder, _ name: String, _ x: ValueID, _ permutation: [Int]
  ) throws(ArchitectureError) -> ValueID {
    let y = try dense(&b, name, x, hidden, hidden)
    let shape = b.integers(name + ".shape", [0, 0, Int64(heads), Int64(hidden / heads)])
    let cut = try b.add(.reshape(Reshape()), [y, shape], name + ".reshape")
    return try b.add(.transpose(Transpose(permutation)), [cut], name + ".transpose")
  }

  /// A linear layer of the last axis; its weight is `[inputs, outputs]`.
  private func dense(
    _ b: inout NetworkBuilder, _ name: String, _ x: ValueID, _ inputs: Int, _ outputs: Int
  ) throws(ArchitectureError) -> ValueID {
    let weight = try b.parameter(name + ".weight", [inputs, outputs], Self.weight)
    let bias = try b.parameter(name + ".bias", [outputs], .constant(0))
    let product = try b.add(.matMul(MatMul()), [x, weight], name)
    return try b.add(.binary(Binary(.add)), [product, bias], name + ".add")
  }

  private func norm(
    _ b: inout NetworkBuilder, _ name: String, _ x: ValueID
  ) throws(ArchitectureError) -> ValueID {
    let inputs = [
      x, try b.parameter(name + ".weight", [hidden], .constant(1)),
      try b.parameter(name + ".bias", [hidden], .constant(0)),
    ]
    return try b.add(.layerNormalization(LayerNormalization(epsilon: 1e-12)), inputs, name)
  }
}
