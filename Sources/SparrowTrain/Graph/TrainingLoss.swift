import SparrowCore
import SparrowPasses

/// What training makes small.
public struct TrainingLoss: Hashable, Sendable {
  /// What the samples ask for.
  public enum Task: Hashable, Sendable {
    /// Softmax cross entropy of the first output, `[N, C, ...]`, to classes. With smoothing s the
    /// target is 1 - s for the class and s / C more for every class. (Szegedy et al., arXiv
    /// 1512.00567, section 7.)
    case crossEntropy(labelSmoothing: Double = 0)
    /// The mean of the squared differences between the first output and targets of its shape.
    case meanSquaredError
    /// Two views of each sample, drawn by the augmentation, are to have like embeddings; there are no
    /// labels. A network with channel gates sees the first with its gates and the second without:
    /// same parameters, each with running statistics of its own.
    case vicReg(VICReg = VICReg())
  }

  public var task: Task
  /// What a teacher adds.
  public var distillation: Distillation?

  public init(_ task: Task = .crossEntropy(), distillation: Distillation? = nil) {
    (self.task, self.distillation) = (task, distillation)
  }
}

extension TrainingLoss.Task {
  var takesTwoViews: Bool {
    switch self {
    case .crossEntropy, .meanSquaredError: false
    case .vicReg: true
    }
  }

  /// Whether samples must have labels, or targets of their own.
  public var needsLabels: Bool { !takesTwoViews }
}

/// Learning from another network's scores: the loss is
/// `(1 - share) task + share T^2 KL(teacher / T || student / T)`, of softmaxes of scores divided by the
/// temperature T, the mean over samples. (Hinton et al., arXiv 1503.02531, section 2.)
public struct Distillation: Hashable, Sendable {
  /// From 0, the task alone, to 1, the teacher alone.
  public var share: Double
  public var temperature: Double

  public init(share: Double = 0.9, temperature: Double = 4) {
    (self.share, self.temperature) = (share, temperature)
  }
}

/// The values that a loss adds to a graph.
struct LossValues {
  var loss: ValueID
  /// The scores that the loss takes: before a softmax at the end of the graph.
  var scores: ValueID
  /// The new input: classes or targets, where the loss takes any.
  var targets: ValueID? = nil
  /// The new input of the teacher's scores.
  var teacher: ValueID? = nil
}

extension Graph {
  /// Appends a loss of the first output; outputs stay as they are.
  mutating func addTrainingLoss(_ loss: TrainingLoss) throws(TrainError) -> LossValues {
    var made =
      switch loss.task {
      case .crossEntropy(let smoothing): try addSmoothedCrossEntropy(smoothing)
      case .meanSquaredError: try addMeanSquaredError()
      case .vicReg(let weights): try addVICReg(weights)
      }
    guard let distillation = loss.distillation else { return made }
    guard let type = self[made.scores].type else {
      throw .network("the type of '\(self[made.scores].name)' is not known")
    }
    let teacher = addInput(unusedName("teacher"), type)
    let distance = try addDivergence(made.scores, teacher, temperature: distillation.temperature)
    let square = distillation.temperature * distillation.temperature
    made.loss = try addMixture(
      made.loss, 1 - distillation.share, distance, distillation.share * square)
    made.teacher = teacher
    return made
  }

  private mutating func addSmoothedCrossEntropy(
    _ smoothing: Double
  ) throws(TrainError) -> LossValues {
    let plain: CrossEntropyLoss
    do throws(DifferentiationError) {
      plain = try addCrossEntropyLoss()
    } catch {
      throw .differentiation(error)
    }
    var loss = plain.loss
    if smoothing > 0 {
      let logs = try addNode(.softmax(Softmax(axis: 1, isLog: true)), [plain.scores], "logs")
      let mean = try addNode(
        .reduce(Reduce(.mean, keepsDimensions: false)), [logs], "mean_log")
      loss = try addMixture(loss, 1 - smoothing, mean, -smoothing)
    }
    return LossValues(loss: loss, scores: plain.scores, targets: plain.labels)
  }

  private mutating func addMeanSquaredError() throws(TrainError) -> LossValues {
    guard let output = outputs.first, let type = self[output].type, type.dtype.isFloatingPoint
    else { throw .network("the graph has no floating-point output to compare with targets") }
    let targets = addInput(unusedName("targets"), type)
    let difference = try addNode(.binary(Binary(.sub)), [output, targets], "difference")
    let square = try addNode(.binary(Binary(.mul)), [difference, difference], "square")
    let loss = try addNode(.reduce(Reduce(.mean, keepsDimensions: false)), [square], "loss")
    return LossValues(loss: loss, scores: output, targets: targets)
  }

  /// The mean over positions of KL(teacher || student) of softmaxes along axis 1.
  private mutating func addDivergence(
    _ student: ValueID, _ teacher: ValueID, temperature: Double
  ) throws(TrainError) -> ValueID {
    guard let shape = self[student].type?.shape, shape.count >= 2, shape.elementCount > 0 else {
      throw .network(
        "distillation needs scores [N, C], but '\(self[student].name)' is "
          + (self[student].type?.text ?? "of unknown type"))
    }
    let divisor = addScalar(temperature, like: student)
    let own = try addNode(.binary(Binary(.div)), [student, divisor], "student")
    let other = try addNode(.binary(Binary(.div)), [teacher, divisor], "taught")
    let log = Op.softmax(Softmax(axis: 1, isLog: true))
    let ownLogs = try addNode(log, [own], "student_logs")
    let otherLogs = try addNode(log, [other], "teacher_logs")
    let shares = try addNode(.softmax(Softmax(axis: 1)), [other], "teacher_shares")
    let gap = try addNode(.binary(Binary(.sub)), [otherLogs, ownLogs], "gap")
    let terms = try addNode(.binary(Binary(.mul)), [shares, gap], "terms")
    let mean = try addNode(
      .reduce(Reduce(.mean, keepsDimensions: false)), [terms], "mean_divergence")
    // The mean over all elements, times the number of classes, is that over positions.
    let classes = addScalar(Double(shape[1]), like: student)
    return try addNode(.binary(Binary(.mul)), [mean, classes], "divergence")
  }

  mutating func addMixture(
    _ a: ValueID, _ aShare: Double, _ b: ValueID, _ bShare: Double
  ) throws(TrainError) -> ValueID {
    let first = try addNode(.binary(Binary(.mul)), [a, addScalar(aShare, like: a)], "task_part")
    let second = try addNode(.binary(Binary(.mul)), [b, addScalar(bShare, like: b)], "other_part")
    return try addNode(.binary(Binary(.add)), [first, second], "total_loss")
  }

  mutating func addScaled(_ x: ValueID, by factor: Double) throws(TrainError) -> ValueID {
    try addNode(.binary(Binary(.mul)), [x, addScalar(factor, like: x)], "scaled")
  }

  /// The mean of all elements, a scalar.
  mutating func addMean(_ x: ValueID, _ name: String) throws(TrainError) -> ValueID {
    try addNode(.reduce(Reduce(.mean, keepsDimensions: false)), [x], name)
  }

  mutating func addScalar(_ value: Double, like id: ValueID) -> ValueID {
    addConstant(
      unusedName("number"), Tensor(self[id].type?.dtype ?? .float32, [], doubles: [value]))
  }

  mutating func addNode(
    _ op: Op, _ inputs: [ValueID?], _ name: String
  ) throws(TrainError) -> ValueID {
    let name = unusedName(name)
    do throws(GraphError) {
      return try add(op, inputs, name: name)
    } catch {
      throw .network(error.message)
    }
  }
}
