import SparrowCore

/// Operators of ai.onnx.ml on numbers: the ONNX operators they consist of, or the newest form.
extension Lift {
  static func refuseStrings(
    _ form: NodeForm, _ keys: String...
  ) throws(FormatError) {
    for key in keys where !(form.attributes[key]?.strings ?? []).isEmpty {
      throw form.unsupported("'\(key)': strings are not supported")
    }
  }

  private static func vector(
    _ values: [Float], _ form: NodeForm, _ builder: inout GraphBuilder, _ shape: [Int]? = nil
  ) -> ValueID {
    builder.constant(Tensor(values, shape: shape ?? [values.count]), for: form, "weights")
  }

  /// Scaler: (x - offset) * scale.
  static func scaler(_ form: inout NodeForm, _ builder: inout GraphBuilder) throws(FormatError) {
    let x = try builder.cast(try form.requiredInput(0), to: .float32, for: form)
    let offset = try form.take("offset", .floats)?.floats ?? [0]
    let scale = try form.take("scale", .floats)?.floats ?? [1]
    let centred = try builder.emit(.sub, x, vector(offset, form, &builder), for: form)
    form.become(.binary(Binary(.mul)), [centred, vector(scale, form, &builder)])
  }

  /// Normalizer: each row over its largest element, the sum of its magnitudes, or its length.
  static func normalizer(_ form: inout NodeForm, _ builder: inout GraphBuilder) throws(FormatError)
  {
    let x = try builder.cast(try form.requiredInput(0), to: .float32, for: form)
    let norm = try form.take("norm", .string)?.string ?? "MAX"
    let axes = builder.integers([-1], for: form)
    let size: ValueID
    switch norm {
    case "MAX": size = try builder.emit(.reduce(Reduce(.max)), [x, axes], for: form, "norm")
    case "L1":
      let magnitudes = try builder.emit(.abs, x, for: form)
      size = try builder.emit(.reduce(Reduce(.sum)), [magnitudes, axes], for: form, "norm")
    case "L2": size = try builder.emit(.reduce(Reduce(.l2)), [x, axes], for: form, "norm")
    default: throw form.malformed("norm is '\(norm)'")
    }
    // A row of zeros stays one.
    let zero = builder.number(0, like: size, for: form)
    let isZero = try builder.emit(.equal, size, zero, for: form)
    let divisor = try builder.emit(
      .where(Where()), [isZero, builder.number(1, like: size, for: form), size], for: form,
      "divisor")
    form.become(.binary(Binary(.div)), [x, divisor])
  }

  /// Binarizer: 1 above the threshold, else 0.
  static func binarizer(_ form: inout NodeForm, _ builder: inout GraphBuilder) throws(FormatError) {
    let x = try form.requiredInput(0)
    let threshold = Double(try form.takeFloat("threshold") ?? 0)
    let above = try builder.emit(
      .greater, x, builder.number(threshold, like: x, for: form), for: form)
    form.become(.cast(Cast(to: builder.dtype(of: x) ?? .float32)), [above])
  }

  /// ArrayFeatureExtractor: elements of the last axis; a vector counts as one row.
  static func arrayFeatures(
    _ form: inout NodeForm, _ builder: inout GraphBuilder
  ) throws(FormatError) {
    var x = try form.requiredInput(0)
    if builder.rank(of: x) == 1 { x = try builder.unsqueeze(x, [0], for: form) }
    let indices = try builder.emit(
      .reshape(Reshape()), [try form.requiredInput(1), builder.integers([-1], for: form)],
      for: form, "indices")
    form.become(.gather(Gather(axis: -1)), [x, indices])
  }

  /// FeatureVectorizer: columns side by side as float32.
  static func featureVectorizer(
    _ form: inout NodeForm, _ builder: inout GraphBuilder
  ) throws(FormatError) {
    _ = try form.take("inputdimensions", .ints)
    var parts: [ValueID?] = []
    for i in form.inputs.indices {
      var x = try builder.cast(try form.requiredInput(i), to: .float32, for: form)
      if builder.rank(of: x) == 1 { x = try builder.unsqueeze(x, [0], for: form) }
      parts.append(x)
    }
    form.become(.concat(Concat(axis: 1)), parts)
  }

  /// Imputer: elements equal to one value (NaN by default) become another, one for each column.
  static func imputer(_ form: inout NodeForm, _ builder: inout GraphBuilder) throws(FormatError) {
    let x = try form.requiredInput(0)
    let dtype = builder.dtype(of: x) ?? .float32
    let values: Tensor
    let isReplaced: ValueID
    if let list = try form.take("imputed_value_int64s", .ints) {
      values = Tensor(dtype, [list.ints.count], integers: list.ints.map { Int($0) })
      let replaced = Tensor(dtype, [], integers: [try form.takeInt("replaced_value_int64")])
      isReplaced = try builder.emit(
        .equal, x, builder.constant(replaced, for: form, "replaced"), for: form)
    } else if let list = try form.take("imputed_value_floats", .floats) {
      values = Tensor(dtype, [list.floats.count], doubles: list.floats.map { Double($0) })
      let replaced = try form.takeFloat("replaced_value_float") ?? 0
      isReplaced =
        replaced.isNaN
        ? try builder.emit(.isNaN, x, for: form)
        : try builder.emit(
          .equal, x, builder.number(Double(replaced), like: x, for: form), for: form)
    } else {
      throw form.malformed("no imputed values are given")
    }
    form.attributes = [:]
    form.become(
      .where(Where()), [isReplaced, builder.constant(values, for: form, "imputed"), x])
  }

  /// LabelEncoder of numbers: its lists as tensors.
  static func labelEncoder(
    _ form: inout NodeForm, _ builder: inout GraphBuilder
  ) throws(FormatError) {
    try refuseStrings(form, "keys_strings", "values_strings")
    // Of a type whose values are not listed it says nothing.
    _ = try form.take("default_string", .string)
    func list(_ kind: String) throws(FormatError) -> NumberList? {
      if let ints = try form.take("\(kind)_int64s", .ints) {
        return NumberList(.int64, ints.ints.map { Double($0) })
      }
      if let floats = try form.take("\(kind)_floats", .floats) {
        return NumberList(.float32, floats.floats.map { Double($0) })
      }
      return nil
    }
    let (keys, values) = (try list("keys"), try list("values"))
    let (int, float) = (try form.take("default_int64", .int), try form.takeFloat("default_float"))
    var otherwise: NumberList?
    if values?.dtype == .int64, let int { otherwise = NumberList(.int64, [Double(int.int)]) }
    if values?.dtype == .float32, let float { otherwise = NumberList(.float32, [Double(float)]) }
    form.adjustment = { [otherwise] op in
      guard case .labelEncoder(var encoder) = op else { return }
      if let keys { encoder.keys = keys }
      if let values { encoder.values = values }
      if let otherwise { encoder.otherwise = otherwise }
      op = .labelEncoder(encoder)
    }
  }

  /// LinearRegressor: x times a row of coefficients for each target, plus intercepts.
  static func linearRegressor(
    _ form: inout NodeForm, _ builder: inout GraphBuilder
  ) throws(FormatError) {
    let targets = try form.takeInt("targets", default: 1)
    let scores = try linear(&form, &builder, rows: targets)
    let transform = try form.take("post_transform", .string)?.string ?? "NONE"
    let made = try transformed(form, &builder, scores, transform)
    form.become(.identity(Identity()), [made])
  }

  /// x C' + intercepts with `rows` rows of C.
  private static func linear(
    _ form: inout NodeForm, _ builder: inout GraphBuilder, rows: Int
  ) throws(FormatError) -> ValueID {
    let x = try builder.cast(try form.requiredInput(0), to: .float32, for: form)
    let weights = try form.take("coefficients", .floats)?.floats ?? []
    let bias = try form.take("intercepts", .floats)?.floats ?? []
    guard rows > 0, !weights.isEmpty, weights.count % rows == 0 else {
      throw form.malformed("\(weights.count) coefficients do not divide into \(rows) rows")
    }
    var inputs: [ValueID?] = [x, vector(weights, form, &builder, [rows, weights.count / rows])]
    if !bias.isEmpty {
      guard bias.count == rows || bias.count == 1 else {
        throw form.malformed("there are \(bias.count) intercepts, expected \(rows)")
      }
      inputs.append(vector(bias, form, &builder))
    }
    return try builder.emit(.gemm(Gemm(transposesB: true)), inputs, for: form, "scores")
  }

  /// What ai.onnx.ml does to scores in the end.
  static func transformed(
    _ form: NodeForm, _ builder: inout GraphBuilder, _ scores: ValueID, _ name: String
  ) throws(FormatError) -> ValueID {
    switch name {
    case "NONE": return scores
    case "LOGISTIC": return try builder.emit(.sigmoid, scores, for: form)
    case "SOFTMAX": return try builder.emit(.softmax(Softmax()), [scores], for: form, "softmax")
    default: throw form.unsupported("post_transform '\(name)' is not supported here")
    }
  }

  /// LinearClassifier: labels of the greatest scores, and the scores.
  static func linearClassifier(
    _ form: inout NodeForm, _ builder: inout GraphBuilder
  ) throws(FormatError) {
    try refuseStrings(form, "classlabels_strings")
    let labels = try form.take("classlabels_ints", .ints)?.ints ?? []
    let transform = try form.take("post_transform", .string)?.string ?? "NONE"
    _ = try form.take("multi_class", .int)
    let intercepts = form.attributes["intercepts"]?.floats.count ?? 0
    let rows = intercepts > 0 ? intercepts : labels.count
    let scores = try linear(&form, &builder, rows: rows)
    guard labels.count == rows || (rows == 1 && labels.count == 2) else {
      throw form.unsupported("\(labels.count) labels for \(rows) rows of coefficients")
    }
    let all = rows == 1 ? try mirrored(form, &builder, scores) : scores
    let made = try transformed(form, &builder, all, transform)
    form.setOutput(1, made)
    try becomeLabels(&form, &builder, all, labels)
  }

  /// `[-s, s]`
  private static func mirrored(
    _ form: NodeForm, _ builder: inout GraphBuilder, _ scores: ValueID
  ) throws(FormatError) -> ValueID {
    let minus = try builder.emit(.neg, scores, for: form)
    return try builder.emit(.concat(Concat(axis: 1)), [minus, scores], for: form, "both")
  }

  /// The node becomes the labels of the greatest scores of each row, the first of equal ones.
  private static func becomeLabels(
    _ form: inout NodeForm, _ builder: inout GraphBuilder, _ scores: ValueID, _ labels: [Int64]
  ) throws(FormatError) {
    var best = ArgExtreme(isMax: true)
    (best.axis, best.keepsDimensions) = (1, false)
    let index = try builder.emit(.argExtreme(best), [scores], for: form, "best")
    let table = builder.constant(Tensor(labels), for: form, "labels")
    form.become(.gather(Gather()), [table, index])
  }

  /// TreeEnsembleRegressor: the newer TreeEnsemble.
  static func treeRegressor(
    _ form: inout NodeForm, _ builder: inout GraphBuilder
  ) throws(FormatError) {
    let x = try form.requiredInput(0)
    let isWide = builder.dtype(of: x) == .float64
    let input = isWide ? x : try builder.cast(x, to: .float32, for: form)
    let targets = try form.takeInt("n_targets", default: 1)
    let trees = try OldTrees(&form, leaves: "target", targets: targets)
    let base = trees.base
    guard base.isEmpty || trees.ensemble.transform == 0 else {
      throw form.unsupported("base values with a post_transform are not supported")
    }
    var result = try builder.emit(
      .treeEnsemble(trees.ensemble), [input], for: form, "trees")
    if !base.isEmpty {
      let values = Tensor(isWide ? .float64 : .float32, [base.count], doubles: base)
      result = try builder.emit(
        .add, result, builder.constant(values, for: form, "base"), for: form)
    }
    form.become(.cast(Cast(to: .float32)), [result])
  }

  /// TreeEnsembleClassifier: scores of the newer TreeEnsemble, and the labels of the greatest.
  static func treeClassifier(
    _ form: inout NodeForm, _ builder: inout GraphBuilder
  ) throws(FormatError) {
    try refuseStrings(form, "classlabels_strings")
    let x = try form.requiredInput(0)
    let isWide = builder.dtype(of: x) == .float64
    let input = isWide ? x : try builder.cast(x, to: .float32, for: form)
    let labels = try form.take("classlabels_int64s", .ints)?.ints ?? []
    let transform = try form.take("post_transform", .string)?.string ?? "NONE"
    var trees = try OldTrees(&form, leaves: "class", targets: max(labels.count, 1))
    // Two classes and leaves of one: that one's score decides.
    let isBinary = labels.count == 2 && Set(trees.ensemble.leafTargets).count == 1
    if isBinary {
      trees.ensemble.leafTargets = trees.ensemble.leafTargets.map { _ in 0 }
      trees.ensemble.targets = 1
    }
    var scores = try builder.emit(
      .treeEnsemble(trees.ensemble), [input], for: form, "trees")
    if !trees.base.isEmpty {
      let base = isBinary ? Array(trees.base.suffix(1)) : trees.base
      let values = Tensor(isWide ? .float64 : .float32, [base.count], doubles: base)
      scores = try builder.emit(
        .add, scores, builder.constant(values, for: form, "base"), for: form)
    }
    scores = try builder.cast(scores, to: .float32, for: form)
    guard isBinary else {
      form.setOutput(1, try transformed(form, &builder, scores, transform))
      return try becomeLabels(&form, &builder, scores, labels)
    }
    guard transform != "PROBIT" else {
      throw form.unsupported("post_transform 'PROBIT' is not supported here")
    }
    // Of two classes only a logistic transform is done.
    let opposite = try mirrored(form, &builder, scores)
    let logistic =
      transform == "LOGISTIC" ? try builder.emit(.sigmoid, opposite, for: form) : nil
    if trees.ensemble.leafWeights?.values.allSatisfy({ $0 >= 0 }) ?? true {
      // Without negative weights the score is a probability.
      let rest = try builder.emit(
        .sub, builder.number(1, like: scores, for: form), scores, for: form)
      let both = try builder.emit(.concat(Concat(axis: 1)), [rest, scores], for: form, "both")
      form.setOutput(1, logistic ?? both)
      return try becomeLabels(&form, &builder, both, labels)
    }
    form.setOutput(1, logistic ?? opposite)
    try becomeLabels(&form, &builder, opposite, labels)
  }
}
