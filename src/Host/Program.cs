Console.Error.WriteLine("interp: no commands yet");
return 2;
